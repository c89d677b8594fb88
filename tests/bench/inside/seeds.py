"""Puts into an installation what is measured."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from ec2mon import prepare as preparation
from elements.domain.regions import REGIONS
from elements.models import DebugRecord, Element, Instance, Poll

OPERATOR = "olga"
_SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < %s) "


def prepare() -> None:
    """Make tables, static files and an operator."""
    preparation.prepare()
    User.objects.create_user(OPERATOR, password="only-for-the-benchmark").groups.add(
        Group.objects.get(name="operators")
    )


def add_elements(elements: list[dict[str, str]], *, due_in_s: float = 86_400, interval_s: int = 30) -> list[int]:
    """Add elements with their keys; return their numbers."""
    now, made = timezone.now(), list[int]()
    for each in elements:
        row = Element.objects.create(
            name=each["name"],
            region="eu-central-1",
            endpoint_url=each["url"],
            sts_endpoint_url=each["url"],
            interval_s=interval_s,
        )
        row.store_keys(
            access_key_id=each["access_key_id"],
            secret_access_key=each["secret_access_key"],
            session_token="",
            by="bench",
            now=now,
        )
        Poll.objects.create(element=row, due_at=now + timedelta(seconds=due_in_s))
        made.append(row.pk)
    return made


def add_twins(slug: str, keys: dict[str, str], number: int) -> None:
    """Add elements that were read like one that was, in other regions, for a budget is that of a region."""
    like = Element.objects.with_poll().get(slug=slug)
    known = {name: getattr(like, name) for name in ("identified_at", "account_arn", "seen_account_id")}
    said = {name: getattr(like.poll, name) for name in ("counts", "named_by", "rows_made_by", "succeeded_at")}
    made = add_elements([{**keys, "name": f"{keys['name']} {each}"} for each in range(number)])
    quote = connection.ops.quote_name
    table = quote(Instance._meta.db_table)
    names = [f.column for f in Instance._meta.concrete_fields if f.column not in ("id", "element_id")]
    columns = ", ".join(map(quote, names))
    for region, pk in zip((code for code in REGIONS if code != like.region), made, strict=False):
        Element.objects.filter(pk=pk).update(region=region, **known)
        Poll.objects.filter(element=pk).update(**said)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = -500000")
            sql = f"INSERT INTO {table} (element_id, {columns}) SELECT %s, {columns} FROM {table} WHERE element_id = %s"
            cursor.execute(sql, [pk, like.pk])


def add_debug_records(slug: str, number: int) -> None:
    """Add records of polls of the last week, as the database copies one that was stored in the usual way."""
    element = Element.objects.get(slug=slug)
    Element.objects.filter(pk=element.pk).update(debug_max_rows=10 * number)
    week_ago = timezone.now() - timedelta(days=7)
    first = DebugRecord.objects.create(
        element=element,
        at=week_ago,
        service="ec2",
        operation="DescribeInstances",
        caller="poll",
        parameters={"MaxResults": 1000},
        response={"Reservations": 1000},
        outcome="ok",
        http_status=200,
        request_id="0a1b2c3d-0000-4000-8000-000000000000",
        duration_ms=312,
        size_bytes=10_400_000,
        returned=1000,
    )
    _copy(first, number - 1, 7 * 86_400 / number)


def _copy(record: Any, number: int, step_s: float) -> None:
    quote, values, parameters = connection.ops.quote_name, list[str](), list[Any]()
    columns = [field.column for field in record._meta.concrete_fields if not field.primary_key]
    for column in columns:
        if column == "at":
            later = "at + n * %s * interval '1 second'"
            if connection.vendor == "sqlite":
                later = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', at, (n * %s) || ' seconds')"
            values.append(later)
            parameters.append(step_s)
        elif column == "request_id":
            values.append("'0a1b2c3d-0000-4000-8000-' || CAST(100000000000 + n AS text)")
        elif column == "operation":
            values.append("CASE WHEN n %% 2 = 0 THEN operation ELSE 'DescribeInstanceStatus' END")
        else:
            values.append(quote(column))
    table, names = quote(record._meta.db_table), ", ".join(map(quote, columns))
    sql = f"INSERT INTO {table} ({names}) {_SERIES} SELECT {', '.join(values)} FROM {table}, series WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [number, *parameters, record.pk])
        cursor.execute("ANALYZE")
