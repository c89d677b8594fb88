"""Run in an installation of its own: change the encryption key, killed by -9 twenty times on the way."""

import json
import os
import random
import signal
import sys
from collections.abc import Sequence

import django

ELEMENTS, KILLS, ROWS_AT_MOST = 150, 20, 6


def main() -> None:
    """Print as JSON what became of the keys; the arguments are the former and the new encryption key."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")
    django.setup()
    json.dump(rotated(*sys.argv[1:3]), sys.stdout)


def rotated(former: str, new: str) -> dict[str, object]:
    """Rotate with kills, then once to the end; count whenever somebody could not have read a key."""
    from django.core.management import call_command

    from elements.usecases.rotate_keys import rotate_all

    call_command("migrate", interactive=False, verbosity=0)
    _use(former)
    _add()
    _use(new, former)
    unreadable, cut_off = 0, 0
    for _ in range(KILLS):
        cut_off += _kill_while_rotating(random.randint(1, ROWS_AT_MOST))
        unreadable += _unreadable()
    outcomes = [each.outcome for each in rotate_all()]
    _use(new)
    return {
        "cut_off": cut_off,
        "unreadable": unreadable,
        "anew": outcomes.count("anew"),
        "current": outcomes.count("current"),
        "unreadable_with_new": _unreadable(),
    }


def _use(*keys: str) -> None:
    import encrypted_model_fields.fields as emf
    from cryptography.fernet import Fernet, MultiFernet
    from django.conf import settings

    settings.FIELD_ENCRYPTION_KEY = list(keys)
    emf.CRYPTER = MultiFernet([Fernet(key) for key in keys])


def _add() -> None:
    from django.utils import timezone

    from elements.models import Element

    for number in range(ELEMENTS):
        element = Element.objects.create(name=f"element {number:03d}", region="eu-central-1")
        element.store_keys(
            access_key_id=f"AKIA{number:016d}",
            secret_access_key=_secret(number),
            session_token="",
            by="test",
            now=timezone.now(),
        )


def _kill_while_rotating(rows: int) -> int:
    """Kill a process once it has rotated so many rows and is about to do the next; 1 when it had not ended."""
    from django.db import connections

    from elements.usecases.rotate_keys import rotate_all

    connections.close_all()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        for each in rotate_all():
            if each.outcome == "anew":
                os.write(writer, b".")
        os._exit(0)
    os.close(writer)
    seen = 0
    while seen < rows and (found := os.read(reader, rows - seen)):
        seen += len(found)
    os.kill(pid, signal.SIGKILL)
    os.close(reader)
    return int(os.WIFSIGNALED(os.waitpid(pid, 0)[1]))


def _unreadable() -> int:
    """Return how many keys are not what they were."""
    from elements.models import Element

    stored: Sequence[Element] = list(Element.objects.with_keys().order_by("pk"))
    return sum(each.secret_access_key != _secret(number) for number, each in enumerate(stored))


def _secret(number: int) -> str:
    return f"secret/{number:033d}"


if __name__ == "__main__":
    main()
