"""Run management commands one after the other in one process, for starting one takes longer than most of them take.

A line of stdin is JSON, [arguments, environment]; it is answered with a line of JSON, [exit code, what was printed].
"""

import contextlib
import io
import json
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")


def main() -> None:
    """Answer until stdin ends."""
    import django

    django.setup()
    for line in sys.stdin:
        arguments, environment = json.loads(line)
        print(json.dumps(run(arguments, environment)), flush=True)


def run(arguments: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run a command with further variables in its environment."""
    from django.core.management import CommandError, call_command

    printed, before = io.StringIO(), dict(os.environ)
    os.environ.update(environment)
    code = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            call_command(*arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        except CommandError as error:
            code = error.returncode
            print(error)
    for name in environment.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)
    return code, printed.getvalue()


if __name__ == "__main__":
    main()
