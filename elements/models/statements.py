"""Statements of which the text is composed once.

Django composes the text of a query anew each time, which takes several times as long as a small one's answer. What
every page and every poll asks for or writes is composed when that is first done; then it only gets other values.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler
from django.db.models.sql.subqueries import UpdateQuery
from django.db.transaction import TransactionManagementError

_NO_TIME = timedelta(0)


class Given(Expression):
    """The place of a value in a statement; whoever asks gives it.

    It is never None where it is compared, for the text would differ then.
    """

    def __init__(self, name: str, field: "type[models.Field[Any, Any]]" = models.BigIntegerField) -> None:
        super().__init__(output_field=field())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Stand among the parameters instead of the value."""
        return "%s", [self]

    def value(self, given: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """Return what the database is given."""
        return self.output_field.get_db_prep_value(given[self.name], connection)


class GivenMoment(Given):
    """The place of a moment, reckoned with as with one: what is a fixed time before or after it is a place, too."""

    def __init__(self, name: str, by: timedelta = _NO_TIME) -> None:
        super().__init__(name, models.DateTimeField)
        self.by = by

    def __add__(self, by: timedelta) -> "GivenMoment":  # type: ignore[override]
        """Return the place of what is later."""
        return GivenMoment(self.name, self.by + by)

    def __sub__(self, by: timedelta) -> "GivenMoment":  # type: ignore[override]
        """Return the place of what is earlier."""
        return GivenMoment(self.name, self.by - by)

    def value(self, given: Mapping[str, Any], connection: BaseDatabaseWrapper) -> Any:
        """Return what the database is given."""
        moment = given[self.name]
        return self.output_field.get_db_prep_value(moment and moment + self.by, connection)


class Statement:
    """What `make` returns, a queryset with a Given for each value that changes, composed when it is first asked for.

    Rows are read by Django's own ways: models, tuples and annotations come as the queryset says.
    """

    def __init__(self, make: Callable[[], "models.QuerySet[Any, Any]"]) -> None:
        self._make = make
        self._converters: Any = None

    def rows(self, **given: Any) -> list[Any]:
        """Ask the database now, unless the queryset can have no rows; KeyError when a value is missing."""
        try:
            return list(self._asked(given))
        except EmptyResultSet:
            return []

    def each(self, chunk_size: int, **given: Any) -> Iterator[Any]:
        """Yield the rows without holding all of them; the queryset must be one that can have rows."""
        yield from self._asked(given).iterator(chunk_size)

    def _asked(self, given: Mapping[str, Any]) -> "models.QuerySet[Any, Any]":
        asked = self._composed[0].all()
        asked.query.get_compiler = lambda using, *_, **__: self._compiler(using, given)  # type: ignore[method-assign]
        return asked

    @cached_property
    def _composed(self) -> tuple["models.QuerySet[Any, Any]", SQLCompiler, str, tuple[Any, ...]]:
        queryset = self._make()
        compiler = queryset.query.get_compiler(queryset.db)
        return queryset, compiler, *compiler.as_sql()

    def _compiler(self, using: str, given: Mapping[str, Any]) -> SQLCompiler:
        """Return a compiler that has composed already, for the connection of this thread."""
        _, composed, text, parameters = self._composed
        compiler, connection = copy.copy(composed), connections[using]
        if composed.query.select_for_update and connection.get_autocommit():  # Django looks when it composes only
            raise TransactionManagementError("rows are locked inside a transaction only")
        values: Any = [each.value(given, connection) if isinstance(each, Given) else each for each in parameters]
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: (text, values)  # type: ignore[method-assign]
        compiler.get_converters = self._converters_of  # type: ignore[method-assign]
        return compiler

    def _converters_of(self, expressions: Any) -> Any:
        """Return what converts the values of each column: that depends on the queryset and the kind of database."""
        if self._converters is None:
            self._converters = self._composed[1].get_converters(expressions)
        return self._converters


class Change:
    """Sets columns of rows. `make` returns which rows, and an expression, a value or a Given for each column."""

    def __init__(self, make: Callable[[], "tuple[models.QuerySet[Any, Any], Mapping[str, Any]]"]) -> None:
        self._make = make

    def run(self, **given: Any) -> int:
        """Change the rows now and return how many there were; KeyError when a value is missing."""
        using, text, parameters = self._composed
        connection = connections[using]
        values = [each.value(given, connection) if isinstance(each, Given) else each for each in parameters]
        with connection.cursor() as cursor:
            cursor.execute(text, values)
            return int(cursor.rowcount)

    @cached_property
    def _composed(self) -> tuple[str, str, tuple[Any, ...]]:
        rows, columns = self._make()
        query: Any = rows.query.chain(UpdateQuery)
        query.add_update_values(columns)
        return rows.db, *query.get_compiler(rows.db).as_sql()
