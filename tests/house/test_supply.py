"""What ec2mon is made with: locked by hash, its licences listed, its vendored files as they were taken."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.supply import audit, licences

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"name": "six", "version": "1.17.0", "vulns": []}
BROKEN = {"name": "lxml", "version": "6.1.3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["6.1.4"]}]}


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_locked_to_a_version_and_to_hashes(lock):
    entries = re.split(r"\n(?=[a-z])", re.sub(r"^ *#.*\n?", "", (ROOT / lock).read_text(), flags=re.MULTILINE))

    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.\[\],-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_page_of_licences_is_that_of_the_locks_and_of_the_files():
    assert licences.PAGE.read_text() == licences.page(), "run make licences"


@pytest.mark.parametrize(
    ("printed", "code", "says"),
    [
        (json.dumps({"dependencies": [SOUND]}), 0, "No known vulnerability in 1 packages."),
        (json.dumps({"dependencies": [SOUND, BROKEN]}), 1, "lxml 6.1.3: PYSEC-1, mended in 6.1.4"),
        ("", 2, "could not be read, so nothing was audited. Is this machine online?\nno route to host"),
    ],
    ids=["sound", "vulnerable", "offline"],
)
def test_an_audit_says_what_it_found_and_never_that_all_is_well_when_it_could_not_ask(capsys, printed, code, says):
    auditor = "import sys; print(sys.argv[1]); print('no route to host', file=sys.stderr); sys.exit(1)"

    ended = audit.audit([sys.executable, "-c", auditor, printed])

    assert ended == code
    assert says in capsys.readouterr().out
