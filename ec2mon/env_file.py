"""The file that holds the secrets: where it is, and how the first start writes it. Knows no Django settings."""

import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import environ
from cryptography.fernet import Fernet

BASE_DIR = Path(__file__).resolve().parent.parent

_HEADER = (
    "# Secrets of this installation. Keep a copy: without FIELD_ENCRYPTION_KEY the stored AWS keys cannot be read.\n"
)
_MAKE: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEY": lambda: Fernet.generate_key().decode(),
}


def env_file() -> Path:
    """Return where the settings that are not in the environment are read from."""
    return Path(os.environ.get("EC2MON_ENV_FILE") or BASE_DIR / ".env")


def write_missing_secrets(path: Path) -> tuple[str, ...]:
    """Add the secrets that neither the environment nor the file has, and return their names.

    What the file says already is kept. A start at the same time loses the race and takes the other's secrets.
    """
    if path.exists() and not path.is_file():  # /dev/null: everything comes from the environment
        return ()
    known = _known(path)
    missing = tuple(name for name in _MAKE if not known.get(name))
    if not missing:
        return ()
    is_new = not path.exists()
    kept = _HEADER if is_new else _without_blanks(path.read_text(), missing)
    fresh = _beside(path, kept + "".join(f"{name}={_MAKE[name]()}\n" for name in missing))
    try:
        if is_new:
            os.link(fresh, path)
        else:
            fresh.replace(path)
    except FileExistsError:
        return write_missing_secrets(path)
    finally:
        fresh.unlink(missing_ok=True)
    return missing


def _known(path: Path) -> Mapping[str, str]:
    """Return the environment with what the file adds to it, without changing this process's own."""

    class Reader(environ.Env):
        ENVIRON = dict(os.environ)

    if path.is_file():
        Reader.read_env(path)
    return Reader.ENVIRON


def _without_blanks(text: str, names: tuple[str, ...]) -> str:
    """Drop lines that name a secret and give none: the first line about a name counts."""
    blanks = {f"{name}=" for name in names}
    kept = [line for line in text.splitlines() if line.replace(" ", "").strip("\"'") not in blanks]
    return "".join(f"{line}\n" for line in kept)


def _beside(path: Path, text: str) -> Path:
    """Write a file beside another that only its owner may read, and return its path."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mkstemp gives mode 600
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
