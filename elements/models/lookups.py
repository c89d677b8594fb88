"""What SQLite and PostgreSQL would answer differently, or could not find by an index, were it left to Django."""

import re
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, F, Func, Lookup, SmallIntegerField, TextField, Value
from django.db.models.sql.compiler import SQLCompiler

from elements.domain.instance_states import STATES


@CharField.register_lookup
@TextField.register_lookup
class LineLike(Lookup):  # type: ignore[type-arg]
    """Keep texts one of whose lines meets a pattern whole; * stands for any characters but a new line.

    The pattern must be in the case of the text.
    """

    lookup_name = "line_like"
    start = {"sqlite": "(?m)^", "postgresql": "(?n)^"}
    prepare_rhs = False

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        """Match with Python's expressions; each piece is found once, so that no pattern takes long."""
        first, *rest = _pieces(self.rhs)
        pattern = self.start["sqlite"] + first
        for piece in rest[:-1]:
            pattern += rf"(?>[^\n]*?{piece})"
        if rest:
            pattern += rf"[^\n]*{rest[-1]}"
        return self._sql(compiler, connection, "REGEXP", pattern + r"(?=\n|\Z)")

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        """Match with PostgreSQL's expressions, whose time does not explode."""
        return self._sql(compiler, connection, "~", self.start["postgresql"] + ".*".join(_pieces(self.rhs)) + "$")

    def _sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, operator: str, pattern: str
    ) -> tuple[str, list[Any]]:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} {operator} %s", [*params, pattern]


@CharField.register_lookup
@TextField.register_lookup
class FirstLineLike(LineLike):
    """Keep texts whose first line meets a pattern whole."""

    lookup_name = "first_line_like"
    start = {"sqlite": r"\A", "postgresql": r"(?n)\A"}


class TagValue(Func):
    """The value of one of an instance's tags, NULL without it.

    Django's own transform takes a key of digits for a place in a list, and a quote for the end of the key.
    """

    output_field = TextField()

    def __init__(self, key: str) -> None:
        super().__init__(F("tags"), Value(key, output_field=TextField()))

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any) -> tuple[str, Any]:
        """Look through the tags."""
        template = "(SELECT value FROM json_each(%(expressions)s))"
        return super().as_sql(compiler, connection, template=template, arg_joiner=") WHERE key = (", **extra)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """Ask for the key as a text."""
        return super().as_sql(compiler, connection, function="jsonb_extract_path_text")


class StateRank(Func):
    """The place of an instance's state in the order of STATES.

    It has no parameters: an index on what has some is not found again.
    """

    output_field = SmallIntegerField()
    template = (
        "CASE %(expressions)s "
        + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(STATES))
        + f" ELSE {len(STATES)} END"
    )

    def __init__(self) -> None:
        super().__init__(F("state"))


def _pieces(pattern: str) -> list[str]:
    return [re.escape(piece) for piece in pattern.split("*")]
