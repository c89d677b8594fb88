"""Ask whether a package that is locked is known to be vulnerable: `python -m tests.supply.audit PATH_OF_PIP_AUDIT`.

Exit codes: 0 none is, 1 some are, 2 nobody could be asked, which proves nothing.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

LOCKS = ("requirements.txt", "requirements-dev.txt")


def audit(program: Sequence[str]) -> int:
    """Run pip-audit over both locks, as strictly as it can, and print in sentences what it found."""
    files = [word for lock in LOCKS for word in ("-r", lock)]
    asked = [
        *program,
        "--strict",
        "--require-hashes",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
        *files,
    ]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (ended.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        print(f"The advisories could not be read, so nothing was audited. Is this machine online?\n{reason}")
        return 2
    found = [line for package in packages for line in _lines(package)]
    print("\n".join(found) or f"No known vulnerability in {len(packages)} packages.")
    return 1 if found else 0


def _lines(package: dict[str, Any]) -> list[str]:
    mended = {each["id"]: ", ".join(each["fix_versions"]) or "no version yet" for each in package.get("vulns", ())}
    return [f"{package['name']} {package['version']}: {name}, mended in {by}" for name, by in mended.items()]


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
