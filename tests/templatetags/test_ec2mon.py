"""How pages write times, numbers and texts from outside."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

NOW = datetime(2026, 3, 18, 14, 2, 5, tzinfo=UTC)
NB = "\u00a0"


def render(source, **values):
    return Template("{% load ec2mon %}" + source).render(Context({"now": NOW, **values})).strip()


@pytest.mark.parametrize(
    ("mode", "seconds", "text"),
    [
        ("age", -6, "6 s"),
        ("age", -12_420, "3 h 27 min"),
        ("in", 3600, "in 1 h"),
        ("in", -6, "6 s ago"),
        ("due", 18, "in 18 s"),
        ("due", -3, "now"),
    ],
)
def test_an_age_carries_its_absolute_time_for_machines_and_for_the_pointer(mode, seconds, text):
    at = NOW + timedelta(seconds=seconds)

    html = render("{% ago at mode %}", at=at, mode=mode)

    assert f'datetime="{at:%Y-%m-%dT%H:%M:%SZ}"' in html
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in html
    assert f'data-rel="{mode}"' in html
    assert html.replace(NB, " ").endswith(f">{text}</time>")


@pytest.mark.parametrize(
    ("precision", "text"),
    [("s", "2026-03-18 14:02:05"), ("m", "2026-03-18 14:02"), ("t", "14:02:05"), ("h", "14:02")],
)
def test_an_absolute_time_is_written_in_iso_order_with_seconds_only_where_they_matter(precision, text):
    html = render("{% abs now precision %}", precision=precision)

    assert html.endswith(f">{text}</time>")
    assert 'datetime="2026-03-18T14:02:05Z"' in html
    assert 'title="2026-03-18 14:02:05 UTC"' in html


def test_what_has_no_time_is_a_dash():
    assert render("{% ago nothing %} {% abs nothing %} {{ nothing|duration }} {{ nothing|grouped }}", nothing=None) == (
        "– – – –"
    )


def test_numbers_and_accounts_are_grouped_without_a_comma_and_never_break():
    assert render("{{ 1240|grouped }}") == f"1{NB}240"
    assert render("{{ account|account }}", account="482109375516") == f"4821{NB}0937{NB}5516"
    assert [render("{{ ms|duration }}", ms=ms) for ms in (412, 2210)] == [f"412{NB}ms", f"2.2{NB}s"]


def test_control_characters_are_seen_and_emoji_and_right_to_left_names_are_left_alone():
    assert render("{{ text|visible }}", text="a\tb\nc\x00d\x9fe") == "a·b·c·d·e"
    for text in ("👩‍🎤 trailer 🎬", "مُشغّل-البث", "Frankfurt – Playout", f"2{NB}000"):
        assert render("{{ text|visible }}", text=text) == text


def test_a_glyph_is_nothing_to_screen_readers_for_its_word_stands_beside_it():
    assert render('{% icon "s-running" "ok" %}') == (
        '<svg class="i tone-ok" aria-hidden="true" focusable="false"><use href="#s-running"></use></svg>'
    )
    shown = render('{% state "stopping" %}')
    assert 'class="st st--busy"' in shown and "Stopping" in shown
