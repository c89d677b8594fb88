"""What every file of a kind keeps to."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PYTHON = sorted(path for folder in ("elements", "ec2mon", "simulator") for path in (ROOT / folder).rglob("*.py"))
SETTING = re.compile(
    r"""(?:env\.\w+|_secret|_whole_number|_networks|_one_of|environ\.get)\(\s*["'](\w+)["']"""
    r"""|environ\[["'](\w+)["']\]"""
)
# Set by ec2mon for its own processes, or meant for the environment only and named in a comment.
OWN = {"EC2MON_HOST", "EC2MON_ENV_FILE", "DJANGO_SETTINGS_MODULE"}
TAG = re.compile(r"<[a-zA-Z][^>]*>", re.DOTALL)


def id_of(path):
    return str(path.relative_to(ROOT))


def settings_read():
    found = set()
    for path in (ROOT / "ec2mon").rglob("*.py"):
        found |= {name for pair in SETTING.findall(path.read_text()) for name in pair if name}
    return found - OWN


def settings_listed():
    return set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_sample_lists_every_setting_and_no_other():
    read = {name for name in settings_read() if name.isupper() and not name.startswith("AWS_")}

    assert len(read) > 10
    assert read == settings_listed()


def test_only_settings_read_the_environment():
    allowed = ("ec2mon/", "elements/management/commands/", "elements/aws/session.py", "simulator/")
    found = [
        id_of(path)
        for path in PYTHON
        if re.search(r"os\.(environ|getenv)\b", path.read_text()) and not id_of(path).startswith(allowed)
    ]

    assert found == []


@pytest.mark.parametrize("path", TEMPLATES, ids=id_of)
def test_a_template_keeps_the_content_security_policy(path):
    text = path.read_text()

    for tag in TAG.findall(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", text)):
        assert not re.search(r"\sstyle\s*=", tag), tag
        assert not re.search(r"\son[a-z]+\s*=", tag), tag
        assert "javascript:" not in tag, tag
    assert "<style" not in text
    assert "data:image" not in text
    for attributes, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", text, re.DOTALL):
        assert "src=" in attributes, path
        assert not body.strip(), path


@pytest.mark.parametrize("path", TEMPLATES, ids=id_of)
def test_a_template_trusts_no_text(path):
    text = path.read_text().replace("help_text|safe", "")  # our own words, as Django takes them too

    assert "|safe" not in text
    assert "autoescape off" not in text


@pytest.mark.parametrize("path", PYTHON, ids=id_of)
def test_no_code_trusts_text_from_outside_or_lets_it_format(path):
    text = path.read_text()

    assert "mark_safe" not in text
    if "admin" not in path.name:
        assert not re.search(r"\.raw\(|\.extra\(|RawSQL", text)
    for line in text.splitlines():
        if re.search(r"naming_format|display_key_format", line):
            assert not re.search(r"\.format\(|\.format_map\(|\bTemplate\(|_format\s*%\s", line), line


def test_the_text_of_a_format_is_never_given_to_pythons_formatting():
    text = (ROOT / "elements" / "domain" / "naming.py").read_text()

    assert not re.search(r"\.format\(|format_map|string import|Template\(|\beval\(", text)


@pytest.mark.parametrize("folder", sorted((ROOT / "static" / "vendor").iterdir()), ids=id_of)
def test_what_others_made_has_its_licence_and_its_version(folder):
    assert re.search(r"-\d+(\.\d+)+\Z", folder.name)
    assert len((folder / "LICENSE").read_text()) > 500


def test_nothing_of_the_pages_comes_from_elsewhere():
    files = [*TEMPLATES, *(ROOT / "static" / "ec2mon").rglob("*.css"), *(ROOT / "static" / "ec2mon").rglob("*.js")]
    found = {
        f"{id_of(path)}: {address}"
        for path in files
        for address in re.findall(
            r"""(?:src|href)=["'](?:https?:)?//[^"']*|url\(["']?https?://[^)]*""", path.read_text()
        )
        if not re.search(r"""href=["']https://(docs|console)\.aws\.amazon\.com""", address)
    }

    assert found == set()


@pytest.mark.parametrize("path", PYTHON, ids=id_of)
def test_a_module_stays_readable(path):
    if "migrations" in path.parts or path.parent.name == "simulator":
        return

    assert len(path.read_text().splitlines()) <= 300
