"""docs/licences.md: what ec2mon is made with, from the locks, what is installed, and the files under static/vendor.

`make licences` writes it, after `make lock`; a test compares.
"""

import re
from hashlib import sha256
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "licences.md"
LOCKED = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", re.MULTILINE)
# Trove classifiers that name no licence of their own.
FAMILY = "OSI Approved"
# Does not say it, or is locked for other systems or older Pythons, so that it need not be here to be asked.
KNOWN = {
    "async-timeout": "Apache 2",
    "axe-playwright-python": "MIT; brings axe-core, MPL-2.0",
    "colorama": "BSD License",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "typing-extensions": "PSF-2.0",
}


def page() -> str:
    """Return the whole page as Markdown; raises LookupError for a package whose licence nobody can tell."""
    running, other = _locked("requirements.txt"), _locked("requirements-dev.txt")
    return "\n".join(
        [
            "# Licences",
            "",
            "ec2mon itself: MIT, see `LICENSE`. Written by `make licences`; a test compares it with the locks and with",
            "the files. Nothing of the packages is kept in the repository.",
            "",
            "## Packages that run",
            "",
            *_packages(running),
            "",
            "## Packages that test, lint and type",
            "",
            *_packages({name: version for name, version in other.items() if name not in running}),
            "",
            "## Files of others",
            "",
            "| File | Licence | SHA-256 |",
            "| --- | --- | --- |",
            *_files(),
            "",
        ]
    )


def _locked(file: str) -> dict[str, str]:
    return dict(LOCKED.findall((ROOT / file).read_text()))


def _packages(locked: dict[str, str]) -> list[str]:
    rows = [f"| {name} | {version} | {_licence(name)} |" for name, version in sorted(locked.items())]
    return ["| Package | Version | Licence |", "| --- | --- | --- |", *rows]


def _licence(name: str) -> str:
    if name in KNOWN:
        return KNOWN[name]
    said = metadata.metadata(name)
    classifiers = [each.rsplit(" :: ", 1)[-1] for each in said.get_all("Classifier", []) if "License ::" in each]
    candidates = [said.get("License-Expression"), said.get("License"), *classifiers]
    for each in candidates:
        # Some put their whole licence where its name belongs.
        if each and each not in ("UNKNOWN", FAMILY) and "\n" not in each and len(each) < 60:
            return each
    raise LookupError(f"{name} does not say its licence: add it to KNOWN")


def _files() -> list[str]:
    rows = []
    for path in sorted((ROOT / "static" / "vendor").rglob("*")):
        if path.is_file():
            licence = (path.parent / "LICENSE").read_text()
            name = "OFL-1.1" if "SIL Open Font License, Version 1.1" in licence else "see its LICENSE"
            rows.append(f"| {path.relative_to(ROOT).as_posix()} | {name} | `{sha256(path.read_bytes()).hexdigest()}` |")
    return rows


if __name__ == "__main__":
    PAGE.write_text(page())
