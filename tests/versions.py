"""Watches that whoever changes what a filter finds, or its order, makes a new version of the element's rows with it."""

import re
import sys
import threading
from pathlib import Path

from django.db import connections
from django.db.backends.signals import connection_created
from django.db.transaction import Atomic

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = str(ROOT / "elements")
OURS = (PRODUCT, str(ROOT / "tests"))
WRITE = re.compile(
    r'\s*(INSERT INTO|UPDATE|DELETE FROM) "elements_(instance|scheduledevent)"(?: SET (.*?) WHERE )?', re.S
)
VERSION = re.compile(r'\s*(UPDATE "elements_poll" SET "revision" = |DELETE FROM "elements_poll")')
# No filter and no order looks at these: what is only read for nothing, and how an event is shown.
UNSEEN = {
    "instance": {"raw_digest", "status_raw_digest"},
    "scheduledevent": {
        *("instance_name", "description", "not_before", "not_after", "not_before_deadline", "ended_at"),
        *("requested_start_at", "requested_by", "requested_at", "request_error"),
    },
}
# Removes events that ended long ago: none of them is active.
ENDED = {"steps.py remove"}
# Removes what is hidden since a version was made for it.
HIDDEN = "removal.py"


class Versions:
    """`with Versions() as versions`: then `missing`, the functions that changed rows of the version before.

    The whole transaction counts that the product opened, or a test that calls a part of it. What tests write themselves
    is their own business.
    """

    def __init__(self):
        self.missing, self._units = [], threading.local()

    def __enter__(self):
        self._entered, self._left = Atomic.__enter__, Atomic.__exit__
        Atomic.__enter__, Atomic.__exit__ = self._enter(self._entered), self._exit(self._left)
        self._watched = list(connections.all(initialized_only=True))
        for each in self._watched:
            each.execute_wrappers.append(self._execute)
        connection_created.connect(self._created)
        return self

    def __exit__(self, *error):
        connection_created.disconnect(self._created)
        for each in self._watched:
            if self._execute in each.execute_wrappers:
                each.execute_wrappers.remove(self._execute)
        Atomic.__enter__, Atomic.__exit__ = self._entered, self._left

    def _created(self, connection, **_):
        if self._execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._execute)
            self._watched.append(connection)

    @property
    def _open(self):
        """Return the transactions of the product that are open in this thread: who opened it, and what it wrote."""
        return self._units.__dict__.setdefault("open", [])

    def _enter(self, enter):
        def entered(atomic):
            done = enter(atomic)
            is_ours = sys._getframe(1).f_code.co_filename.startswith(OURS)
            self._open.append({"is_ours": is_ours, "wrote": [], "has_version": False})
            return done

        return entered

    def _exit(self, leave):
        def left(atomic, kind, *error):
            unit = self._open.pop() if self._open else {"wrote": []}
            outer = next((each for each in reversed(self._open) if each["is_ours"]), None)
            if kind is None and unit["wrote"]:
                if outer is not None:
                    outer["wrote"] += unit["wrote"]
                    outer["has_version"] |= unit["has_version"]
                elif not unit["has_version"]:
                    self.missing += unit["wrote"]
            elif kind is None and outer is not None:
                outer["has_version"] |= unit.get("has_version", False)
            return leave(atomic, kind, *error)

        return left

    def _execute(self, execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        unit = next((each for each in reversed(self._open) if each["is_ours"]), None)
        if VERSION.match(sql) and unit is not None:
            unit["has_version"] = True
        elif (writer := self._writer(sql)) and unit is not None:
            unit["wrote"].append(writer)
        elif writer:
            self.missing.append(writer)
        return done

    def _writer(self, sql):
        """Return the file and function of the product that changes what filters see, "" when none does."""
        found = WRITE.match(sql)
        if found is None:
            return ""
        verb, table, columns = found.groups()
        if verb == "UPDATE" and columns and {*re.findall(r'"(\w+)" = ', columns)} <= UNSEEN[table]:
            return ""
        names, frame = list[str](), sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_filename.startswith(PRODUCT):
                names.append(f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}")
            frame = frame.f_back
        is_unseen = (table == "scheduledevent" and ENDED & set(names)) or any(name.startswith(HIDDEN) for name in names)
        return "" if is_unseen or not names else names[0]
