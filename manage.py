#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from ec2mon.env_file import env_file, write_missing_secrets


def main() -> None:
    """Run a command. `up` makes the secrets of a first start, for without them no settings can be read."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")
    if sys.argv[1:] == ["up"]:
        _write_missing_secrets()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"ec2mon is not set up: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


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
