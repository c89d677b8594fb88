"""What the cells of the Instances table say; the markup stands in templates/elements/instances/pieces.html."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from django.utils.safestring import SafeString

from elements.domain.row_states import RowState
from elements.domain.wording import relative, span, visible
from elements.tables.instance_rows import InstanceRow
from elements.tables.pieces import Piece, icon, pieces, relative_time

Cell = Callable[[InstanceRow], str]
NOTHING = SafeString("")
DASH = SafeString("–")


def row_html(row: InstanceRow, columns: Sequence[tuple[str, str, Cell]], head: str) -> SafeString:
    """Write a row from the name, the classes and the text of each column; the cell of the column `head` heads it."""
    looks = [(_piece("head" if name == head else "cell"), _look(classes), cell) for name, classes, cell in columns]
    return _piece("row")(
        id=row.instance.instance_id,
        name=row.instance.display_name,
        state=row.instance.state,
        can=_piece("can")(verbs=row.can) if row.page.may_operate else NOTHING,
        tint=_look(row.tint),
        cells=SafeString("".join([piece(look=look, cell=cell(row)) for piece, look, cell in looks])),
    )


def select(row: InstanceRow) -> SafeString:
    """Write the box that selects the row."""
    return _piece("select")(id=row.instance.instance_id, name=row.instance.display_name)


def name(row: InstanceRow) -> SafeString:
    """Write the display key, with the next scheduled event."""
    one = row.instance
    path = quote(one.instance_id, safe="")
    return _piece("name")(url=row.page.instances_url, id=path, name=one.display_name, planned=_planned(row))


def instance_id(row: InstanceRow) -> SafeString:
    """Write the ID, to be copied."""
    return _piece("id")(id=row.instance.instance_id, icon=icon("i-copy"))


def state(row: InstanceRow) -> SafeString:
    """Write the state, or what was asked for, with who and since when."""
    shown = row.state
    title = _piece("title")(text=shown.explanation) if shown.explanation else NOTHING
    slow = SafeString(f" {_age(shown.since, row.page.now)}") if shown.is_slow else NOTHING
    if shown.request_id:
        request = quote(shown.request_id, safe="")
        word = _piece("linked")(url=row.page.debug_url, request=request, title=title, text=shown.view.word)
    else:
        word = _piece("word")(title=title, text=shown.view.word, since=slow)
    return _piece("state")(tone=shown.view.tone, icon=icon(shown.view.icon), word=word, note=_note(shown, row.page.now))


def checks(row: InstanceRow) -> SafeString:
    """Write the status checks."""
    view = row.checks
    if not view.icon:
        return _piece("unchecked")(word=view.word)
    look = _look("muted" if view.tone == "ok" else "")
    return _piece("checks")(tone=view.tone, icon=icon(view.icon), look=look, word=view.word)


def zone(row: InstanceRow) -> SafeString:
    """Write the zone; what the region says already is for screen readers."""
    known, rest = row.zone
    if not rest:
        return DASH
    return _piece("zone")(known=_piece("known")(text=known) if known else NOTHING, rest=rest)


def launched(row: InstanceRow) -> SafeString:
    """Write how long ago the instance was launched."""
    moment = row.instance.launched_at
    return relative_time(moment, "age", row.age) if moment else DASH


def tags(row: InstanceRow) -> SafeString:
    """Write all tags."""
    every = [_piece("tag")(key=visible(key), value=visible(value)) for key, value in row.instance.tags.items()]
    return SafeString("".join(every)) or DASH


def sub(row: InstanceRow) -> SafeString:
    """Write what narrow screens show instead of columns."""
    view, texts = row.checks, [row.instance.instance_type, row.zone[1], row.instance.private_ip or "no private IP"]
    failing = _piece("failing")(icon=icon(view.icon), word=view.word) if view.tone == "crit" else NOTHING
    kept = " · ".join(text for number, text in enumerate(texts) if text or number == 0)
    return Piece("{text}{failing}")(text=kept, failing=failing)


def act(row: InstanceRow) -> SafeString:
    """Write the controls of the row; one that does not apply says why."""
    one, written = row.instance, []
    for control in row.controls:
        word = control.word
        off = _piece("cannot_act")(word=word, reason=control.reason) if control.reason else _piece("can_act")(word=word)
        written.append(
            _piece("act")(
                url=row.page.confirm_url,
                verb=control.verb,
                id=quote(one.instance_id, safe=""),
                word=word,
                name=one.display_name,
                off=off,
                icon=icon(control.icon),
            )
        )
    return _piece("acts")(acts=SafeString("".join(written)))


CELLS: Mapping[str, Cell] = {
    "select": select,
    "name": name,
    "id": instance_id,
    "state": state,
    "checks": checks,
    "az": zone,
    "launched": launched,
    "tags": tags,
    "sub": sub,
    "act": act,
}


def _planned(row: InstanceRow) -> SafeString:
    if row.planned is None:
        return NOTHING
    event, planned = row.planned.event, row.planned
    if planned.begun:
        when: str = "in progress"
    else:
        when = _age(event.not_before, row.page.now) if event.not_before else event.word
    return _piece("planned")(
        look=f"pill pill--{planned.tone}" if planned.tone else "pill",
        url=row.page.events_url,
        count=f"{planned.count} scheduled events, next: " if planned.count > 1 else "Scheduled event: ",
        word=event.word,
        icon=icon(event.icon),
        when=when,
    )


def _note(shown: RowState, now: datetime) -> SafeString:
    if shown.is_slow or not (shown.note or shown.since):
        return NOTHING
    who = _piece("who")(text=shown.note) if shown.note else NOTHING
    if shown.since is None:
        since = NOTHING
    elif shown.is_ago:
        since = relative_time(shown.since, "in", relative(shown.since, now))
    else:
        since = _age(shown.since, now)
    return _piece("note")(who=who, since=since)


def _age(moment: datetime | None, now: datetime) -> SafeString:
    return relative_time(moment, "age", span((now - moment).total_seconds())) if moment else DASH


def _look(classes: str) -> SafeString:
    return _piece("class")(name=classes) if classes else NOTHING


def _piece(piece: str) -> Piece:
    return pieces("elements/instances/pieces.html")[piece]
