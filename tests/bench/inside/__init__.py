"""What a child can be asked for, by name. Everything here runs inside ec2mon and uses its public entry points only."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.bench.inside import clicks, pages, polls, rounds, seeds

COMMANDS: Mapping[str, Callable[..., Any]] = {
    "prepare": seeds.prepare,
    "add_elements": seeds.add_elements,
    "add_twins": seeds.add_twins,
    "add_debug_records": seeds.add_debug_records,
    "load_all": polls.load_all,
    "poll": polls.poll,
    "ask_pages": pages.ask,
    "count_queries": pages.count_queries,
    "ask_until": pages.ask_until,
    "make_due": rounds.make_due,
    "progress": rounds.progress,
    "spread": rounds.spread,
    "lateness": rounds.lateness,
    "stop_in_request": clicks.stop_in_request,
    "stop_through_queue": clicks.stop_through_queue,
}
