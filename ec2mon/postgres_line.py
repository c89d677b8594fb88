"""The commands by which PostgreSQL copies and restores this installation's database; the password stays out of them."""

import shlex
from pathlib import Path
from typing import Any

from django.conf import settings


def dump(file: Path) -> str:
    """Return the line that writes a copy."""
    return f"    (umask 077 && {_line('pg_dump', '--format=custom', f'--file={file}', '--dbname')})"


def restore(file: Path) -> str:
    """Return the line that puts a copy back, whole or not at all."""
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname")
    return f"    {_line('pg_restore', *options)} {shlex.quote(str(file))}"


def _line(*words: str) -> str:
    known: dict[str, Any] = settings.DATABASES["default"]
    where = f"{known.get('HOST') or 'localhost'}:{known.get('PORT') or 5432}"
    url = f"postgres://{known.get('USER') or ''}@{where}/{known['NAME']}"
    return shlex.join((*words, url))
