"""Tables as files, sent row by row."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse

from elements.domain.spreadsheets import cell


class _Line:
    """Hands each line that csv writes back to who asked for it."""

    def write(self, text: str) -> str:
        return text


def csv_response(filename: str, header: Iterable[str], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """Answer with a CSV file (UTF-8 with a mark for spreadsheets) whose cells hold no formula."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def _lines(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"
    yield writer.writerow([cell(text) for text in header])
    for row in rows:
        yield writer.writerow([cell(value) for value in row])
