"""What the Instances page costs against the barest page, how it grows with the element, and while a poll is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.bench.bars import Row, median, p95
from tests.bench.bench import NAMES, SECOND, SQLITE, Bench
from tests.bench.place import Child, element

SLUG = "fleet"
PAGE = f"/e/{SLUG}/instances/"
BARE, FRAME = "/bare/", "/find/"
PER_PAGE = 50
SORTS = (
    *("name", "id", "state", "checks", "type", "az", "private_ip", "public_ip", "launched", "platform"),
    *("architecture", "vpc", "subnet", "image", "key_pair", "iam_role", "lifecycle", "asg", "tag:Name"),
)
FILTERS = (
    *("state:running", "state:stopped", "-state:running", "state:changing", "state:gone", "checks:impaired"),
    *("checks:none", "type:c7i.large", "type:c7*", "az:eu-central-1a", "ip:10.20.0.0/16", "ip:10.20.3.4"),
    *("tag:environment=prod", "tag:nothing", "event:any", "event:none", "launched:<30d", "name:playout"),
    *("name:playout*4", "id:i-00002"),
)
HITS, MISS = ("playout", "encoder-test-0001", "10.20.3.4"), "nothing-is-called-so"
ROUNDS, EACH, EACH_QUICK, AT_MOST_S = 3, 10, 5, 0.5
RATIO = 1.3
# Pages find what matches once for each version of the rows: so the first asking of a version is a bar of its own.
AFTER_CHANGE = "first asked after a change"
REFRESHES = ("refresh of every row", "refresh, nothing new")


@dataclass(frozen=True)
class Asked:
    """How often an address is asked for, which clock tells, and the element that is changed before each time."""

    times: int
    clock: str
    changed: str = ""


def measure(bench: Bench) -> Iterator[Row]:
    """Measure on SQLite, where all of the work is the process's own, and on the other databases asked for."""
    for database in bench.options.databases:
        yield from _of_database(bench, database)
    if not bench.options.quick:
        yield from _while_polled(bench)


def _of_database(bench: Bench, database: str) -> Iterator[Row]:
    options, on = bench.options, NAMES[database]
    small, large = (bench.polled(size, database) for size in (options.small, options.size))
    clock = "cpu" if database == SQLITE else "wall"
    with small.child() as of_small, large.child() as of_large:
        of_small.ask("load_all")
        of_large.ask("load_all")
        yield from _against_bare(bench, of_large, clock, on)
        for kind, addresses in _kinds(bench).items():
            bench.say(f"{kind}: {len(addresses)} addresses on {on}")
            for anew in (False, True) if kind not in REFRESHES else (False,):
                yield _of_kind(bench, of_small, of_large, f"{kind}, {AFTER_CHANGE}" if anew else kind, addresses, on)


def _of_kind(bench: Bench, small: Child, large: Child, kind: str, addresses: Sequence[tuple[str, str]], on: str) -> Row:
    """Compare the large element with the small one; the worst address counts."""
    # A database server works outside of the process, so there the clock must tell.
    clock = "cpu" if on == NAMES[SQLITE] else "wall"
    ask = Asked(EACH_QUICK if bench.options.quick else EACH, clock, SLUG if kind.endswith(AFTER_CHANGE) else "")
    found = [(_ratio(small, large, pair, ask), pair[1]) for pair in addresses]
    worst, address = max(found)
    if len(found) > 1:
        over = [f"{at} {ratio:.2f}x" for ratio, at in sorted(found, reverse=True) if ratio > RATIO]
        bench.details[f"{kind} over the bar, {on}"] = ", ".join(over) or "none"
    what = f"Instances page, {kind}, {on}: {bench.options.size:,} against {bench.options.small:,}"
    note = f"{'worst: ' if len(found) > 1 else ''}{address}"
    return Row(what, f"{what}: {clock} p95", worst, RATIO, note=note, steady=False)


def _against_bare(bench: Bench, child: Child, clock: str, on: str) -> Iterator[Row]:
    """Compare the first page with a page that says who is signed in."""
    bare, page = list[float](), list[float]()
    other = "wall" if clock == "cpu" else "cpu"
    walls = [list[float](), list[float]()]
    for _ in range(ROUNDS + 2):
        for address, kept, aside in ((BARE, bare, walls[0]), (PAGE, page, walls[1])):
            said = child.ask("ask_pages", address=address, times=EACH * (5 if address == BARE else 1))
            kept += said[clock]
            aside += said[other]
    del bare[: 5 * EACH], page[:EACH]  # what is loaded once only
    what = f"Instances page, {PER_PAGE} rows, {on}, against a bare page behind the sign-in"
    note = (
        f"p50 {median(page):.1f} and {median(bare):.1f} ms, p95 {p95(page):.1f} and {p95(bare):.1f} ms;"
        f" {other} p50 {median(walls[1]) / median(walls[0]):.1f}x; Django's test client, compressed"
    )
    # one page in twenty meets whatever else the machine does, so the next version is held against the median
    yield Row(what, f"{what}: {clock} p95", p95(page) / p95(bare), 6, note=note, steady=False)
    middle = median(page) / median(bare)
    yield Row(f"{what}, p50", f"{what}: {clock} p50", middle, 6, steady=clock == "cpu")
    frame = [ms for _ in range(3) for ms in child.ask("ask_pages", address=FRAME, times=EACH)[clock]]
    bench.details[f"the frame of every page alone (Find), {on}: p50"] = f"{median(frame):.1f} ms of {clock}"
    name = f"Instances page, {PER_PAGE} rows, {on}: statements"
    yield Row(name, name, child.ask("count_queries", address=PAGE), 6, "")
    bench.growth[f"Instances page, {on}: ms of {clock}, p50", bench.options.size] = f"{median(page):.1f}"


def _kinds(bench: Bench) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the addresses of each kind as pairs: what the small element is asked for, what the large one is."""
    sorts = [f"{sign}{name}" for name in SORTS for sign in ("", "-")]
    if bench.options.quick:
        sorts = ["-name", "launched", "type"]
    filters = ["state:stopped", "az:eu-central-1a"] if bench.options.quick else FILTERS
    last = tuple(f"{PAGE}?page={size // PER_PAGE}" for size in (bench.options.small, bench.options.size))
    return {
        "first page": [(PAGE, PAGE)],
        "every sort": [_same(sort=sort) for sort in sorts],
        "every filter": [_same(q=text) for text in filters],
        "search with a match": [_same(q=text) for text in HITS],
        "search without a match": [_same(q=MISS)],
        "last page": [(last[0], last[1])],
        "refresh of every row": [_same(since="0.0")],
        "refresh, nothing new": [(f"{PAGE} unchanged", f"{PAGE} unchanged")],
    }


def _same(**query: str) -> tuple[str, str]:
    address = f"{PAGE}?{urlencode(query)}"
    return address, address


def _ratio(small: Child, large: Child, addresses: tuple[str, str], asked: Asked) -> float:
    """Return p95 of the large element against that of the small one; over the bar only when it is so twice."""
    how = {"times": asked.times, "changed": asked.changed, "at_most_s": AT_MOST_S}
    if not asked.changed:  # what is asked again was asked before
        for child, address in zip((small, large), addresses, strict=True):
            child.ask("ask_pages", address=address, times=1)
    tries = list[float]()
    while not tries or (min(tries) > RATIO and len(tries) < 2):
        found: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for child, address, kept in zip((small, large), addresses, found, strict=True):
                kept += child.ask("ask_pages", address=address, **how)[asked.clock]
        tries.append(p95(found[1]) / p95(found[0]))
        if tries[-1] > 2 * RATIO:  # no noise
            break
    return min(tries)


def _while_polled(bench: Bench) -> Iterator[Row]:
    """Ask for pages at rest, then while another large element is polled for the first time, on SQLite."""
    size, place = bench.options.size, bench.copy(bench.polled(bench.options.size))
    bench.say(f"pages while {size:,} instances are polled")
    bench.aws.show([SECOND], count=size)
    end = place.directory / "polled"
    with place.child() as browser, place.child() as worker:
        worker.ask("add_elements", elements=[element(SECOND, "Second", bench.aws.url)])
        worker.ask("poll", slug="warm")
        browser.ask("ask_pages", address=PAGE, times=20)
        rest = browser.ask("ask_pages", address=PAGE, times=150)["wall"]
        browser.begin("ask_until", address=PAGE, end_file=str(end), pause_s=0.05)
        cost = worker.ask("poll", slug="second")
        end.touch()
        busy = browser.result()["wall"]
    place.remove()
    what = f"pages while {size:,} are polled for the first time, SQLite"
    note = f"{p95(rest):.0f} -> {p95(busy):.0f} ms, {len(busy)} pages in {cost['wall']:.0f} s"
    yield Row(what, f"{what}: p95 against at rest", p95(busy) / p95(rest), 2, note=note, steady=False)
    name = f"longest write transaction of a first poll of {size:,}, SQLite"
    yield Row(name, name, cost["longest_write_s"] * 1000, 200, "ms", steady=False)
