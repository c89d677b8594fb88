import os
import stat

import pytest
from cryptography.fernet import Fernet

from ec2mon.env_file import write_missing_secrets


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    monkeypatch.delenv("SECRET_KEY")
    monkeypatch.delenv("FIELD_ENCRYPTION_KEY")


def lines(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#")


def test_the_first_start_writes_secrets_that_only_the_owner_can_read(tmp_path):
    path = tmp_path / "new" / ".env"

    written = write_missing_secrets(path)

    assert written == ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(lines(path)["SECRET_KEY"]) >= 50
    assert Fernet(lines(path)["FIELD_ENCRYPTION_KEY"])
    assert [each.name for each in path.parent.iterdir()] == [".env"]


def test_two_installations_share_no_secret(tmp_path):
    write_missing_secrets(tmp_path / "one")
    write_missing_secrets(tmp_path / "two")

    assert not set(lines(tmp_path / "one").values()) & set(lines(tmp_path / "two").values())


def test_a_second_start_writes_nothing(tmp_path):
    path = tmp_path / ".env"
    write_missing_secrets(path)
    before = path.read_bytes(), path.stat().st_mtime_ns

    written = write_missing_secrets(path)

    assert written == ()
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_nothing_is_written_when_the_environment_has_the_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x" * 50)
    monkeypatch.setenv("FIELD_ENCRYPTION_KEY", Fernet.generate_key().decode())

    written = write_missing_secrets(tmp_path / ".env")

    assert written == ()
    assert not (tmp_path / ".env").exists()


def test_what_the_file_says_is_kept(tmp_path):
    path = tmp_path / ".env"
    path.write_text("# mine\nPORT=9000\nSECRET_KEY=my-own\nFIELD_ENCRYPTION_KEY=\n")
    path.chmod(0o644)

    written = write_missing_secrets(path)

    assert written == ("FIELD_ENCRYPTION_KEY",)
    assert path.read_text().startswith("# mine\nPORT=9000\nSECRET_KEY=my-own\n")
    assert Fernet(lines(path)["FIELD_ENCRYPTION_KEY"])
    assert path.read_text().count("FIELD_ENCRYPTION_KEY=") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_device_is_no_file_to_write(tmp_path):
    from pathlib import Path

    assert write_missing_secrets(Path(os.devnull)) == ()


def test_of_two_starts_at_once_both_use_the_secrets_of_the_first(tmp_path, monkeypatch):
    path = tmp_path / ".env"
    link = os.link

    def be_late(source, target):
        path.write_text("SECRET_KEY=of-the-first\nFIELD_ENCRYPTION_KEY=of-the-first\n")
        link(source, target)

    monkeypatch.setattr(os, "link", be_late)

    written = write_missing_secrets(path)

    assert written == ()
    assert set(lines(path).values()) == {"of-the-first"}
