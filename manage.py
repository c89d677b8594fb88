#!/usr/bin/env python
"""Django's command line."""

import os
import sys
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError

from ec2mon.env_file import env_file, write_missing_secrets
from ec2mon.supervise import start_anew


def main() -> None:
    """Run a command. `up` makes the secrets of a first start, for without them no settings can be read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")
    if sys.argv[1:2] == ["up"]:
        start_anew()
    if sys.argv[1:] == ["up"]:
        _write_missing_secrets()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"ec2mon is not set up: {error}")
    except OperationalError as error:
        sys.exit(
            f"The database cannot be used: {str(error).strip()}. Settings DATABASE_URL and DATA_DIR say where it is."
        )
    except OSError as error:
        _explain(error)
        raise
    except KeyboardInterrupt:
        sys.exit(130)


def _explain(error: OSError) -> None:
    """End with a sentence when the directory of data cannot be used."""
    from django.conf import settings

    if error.filename and Path(str(error.filename)).is_relative_to(settings.DATA_DIR):
        sys.exit(f"ec2mon cannot use its directory of data, {settings.DATA_DIR} (setting DATA_DIR): {error.strerror}.")


def _write_missing_secrets() -> None:
    path = env_file()
    try:
        written = write_missing_secrets(path)
    except OSError as error:
        sys.exit(f"The secrets of this installation cannot be written to {path}: {error.strerror}.")
    if written:
        print(f"Wrote {' and '.join(written)} to {path}. Keep a copy of that file.", flush=True)


if __name__ == "__main__":
    main()
