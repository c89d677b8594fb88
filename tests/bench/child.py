"""A fresh process of an installation that does what it is told, a line of JSON each, until its input ends."""

import json
import os
import sys
import traceback

import django


def main() -> None:
    """Do what is asked until nothing more is."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed does not mix with the answers
    django.setup()
    from tests.bench.inside import COMMANDS

    for line in sys.stdin:
        name, arguments = json.loads(line)
        try:
            said = json.dumps(COMMANDS[name](**arguments))
        except Exception:
            traceback.print_exc()
            said = "failed"
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    main()
