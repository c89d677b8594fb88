"""The world that a mock of the interface shows, in the product: seven elements of a broadcaster, each in a state of its
own. `fill` makes it; what takes days to come about is written into the database by `aged`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser

from simulator.server import Handle
from tests.browser.stack import PASSWORD, Stack, wait_for

FRANKFURT, VIRGINIA = "/e/frankfurt-playout", "/e/n-virginia-ott-origin"
_DAY, _HOUR, _MINUTE = 86_400.0, 3600.0, 60.0
_STOPPED: dict[str, Any] = {"state": "stopped"}
_LONG = "encoder-hevc-uhd-linear-sports-channel-europe-west-primary-transcoder-group-03-node-0017"
# name, type, zone, private address, public address, age in days, and what else there is to it
_FRANKFURT: tuple[tuple[str | None, str, str, str, str | None, float, dict[str, Any]], ...] = (
    ("archive-mover", "im4gn.large", "c", "10.20.6.80", None, 18, {"root_device": "instance-store"}),
    ("asg-packager-6c", "c7g.xlarge", "b", "10.20.7.8", None, 1.25, {"state": "terminated"}),
    ("asg-packager-7f", "c7g.xlarge", "a", "10.20.7.9", None, 0.21, {"state": "shutting-down"}),
    ("asg-packager-81", "c7g.xlarge", "b", "10.20.7.12", None, 0.0006, {"state": "pending"}),
    ("bastion", "t4g.nano", "a", "10.20.0.4", "18.196.70.31", 401, {}),
    ("encoder-hd-01", "c7i.4xlarge", "a", "10.20.4.101", None, 22, {}),
    ("encoder-hd-02", "c7i.4xlarge", "b", "10.20.5.102", None, 22, {}),
    ("encoder-hd-03", "c7i.4xlarge", "c", "10.20.6.103", None, 0.0004, {"state": "pending"}),
    ("encoder-hd-04", "c7i.4xlarge", "a", "10.20.4.104", None, 22, _STOPPED),
    ("encoder-hd-05", "c7i.4xlarge", "b", "10.20.5.105", None, 22, _STOPPED),
    (_LONG, "c7i.12xlarge", "c", "10.20.6.117", None, 8.84, {}),
    (None, "t3.small", "a", "10.20.9.4", None, 611, {}),
    ("mcr-gateway-01", "m7g.large", "a", "10.20.1.11", "18.184.2.200", 402, {}),
    ("mcr-gateway-02", "m7g.large", "b", "10.20.2.11", "18.184.2.201", 402, {}),
    ("metrics-1", "r7g.large", "a", "10.20.9.30", None, 210, {}),
    ("playout-a-backup", "c6in.4xlarge", "b", "10.20.5.17", "3.120.44.10", 136, {}),
    ("playout-a-main", "c6in.4xlarge", "a", "10.20.4.17", "3.120.44.9", 136, {}),
    ("playout-b-backup", "c6in.4xlarge", "b", "10.20.5.18", "3.120.44.22", 41, {}),
    ("playout-b-main", "c6in.4xlarge", "a", "10.20.4.18", "3.120.44.21", 136, {}),
    ("playout-c-backup", "c6in.4xlarge", "c", "10.20.6.19", "3.121.9.4", 12, {"protected": True}),
    ("playout-c-main", "c6in.4xlarge", "a", "10.20.4.19", None, 12, {}),
    ("qc-station-1", "c7i.xlarge", "b", "10.20.8.11", None, 31, _STOPPED),
    ("qc-station-2", "c7i.xlarge", "b", "10.20.8.12", None, 31, _STOPPED),
    ("scte-inserter-1", "c7g.large", "a", "10.20.4.71", None, 55, {}),
    ("scte-inserter-2", "c7g.large", "b", "10.20.5.71", None, 0.0015, {}),
    ("subtitle-ocr", "g5.xlarge", "a", "10.20.4.140", None, 3.3, {}),
    ("web", "t4g.medium", "b", "10.20.9.21", "35.157.8.9", 77, {}),
    ("web", "t4g.medium", "a", "10.20.9.20", "35.157.8.8", 77, {}),
    ("بث-مباشر-01", "c7g.2xlarge", "c", "10.20.6.60", "3.68.11.7", 90, {}),
    ("字幕サーバ-02", "m7i.xlarge", "b", "10.20.5.141", None, 3.25, {}),
    ("🎬 promo-render-01", "g5.4xlarge", "a", "10.20.4.150", None, 6, _STOPPED),
    ("🎬 promo-render-02", "g5.4xlarge", "b", "10.20.5.151", None, 0.091, {}),
)
# element, region, account, and what is there: pattern, how many run, how many stopped
_OTHERS = (
    ("Ireland – Contribution", "eu-west-1", "482109375516", (("ingest-srt-{:02}", 41, 7),)),
    (
        "N. Virginia – OTT origin",
        "us-east-1",
        "773011842096",
        (
            ("drm-{}", 4, 0),
            ("log-shipper-{}", 3, 0),
            ("ott-origin-{:02}", 12, 0),
            ("ott-packager-{:02}", 12, 2),
            ("thumbnailer-{}", 2, 4),
            ("ad-decision-{}", 1, 0),
        ),
    ),
    ("São Paulo – Encoding burst", "sa-east-1", "773011842096", (("burst-{}", 0, 6),)),
    ("東京 – 遅延配信", "ap-northeast-1", "773011842096", (("delay-{:02}", 17, 0),)),
    ("مختبر الجودة – UAE lab", "me-central-1", "119055670083", (("lab-{}", 3, 6),)),
    ("Sydney – DR", "ap-southeast-2", "773011842096", ()),
)


def fill(stack: Stack, chromium: Browser) -> None:
    """Make the world, let two users ask for two stops, and age what has to be old."""
    for name, group in (("maria.k", "administrators"), ("j.ortiz", "operators")):
        stack.add_user(name, group)
    stack.aws.set(delay_s=_DAY, initializing_s=_DAY)
    frankfurt = _frankfurt(stack)
    _add(stack, "Frankfurt – Playout", "eu-central-1", "482109375516")
    keys = {name: _element(stack, name, *place) for name, *place in _OTHERS}
    polled = [name for name, *_ in _OTHERS if not name.startswith("Sydney")]
    stack.manage("poll", "Frankfurt – Playout", *polled)
    stack.manage("element", "pause", "مختبر الجودة – UAE lab")
    stack.aws.fault("throttle", region="eu-west-1")
    stack.attempt("poll", "Ireland – Contribution")
    del stack.aws.world.keys[keys["N. Virginia – OTT origin"].access_key_id]
    stack.attempt("poll", "N. Virginia – OTT origin")
    _troubles(frankfurt)
    stack.manage("poll", "Frankfurt – Playout")
    _ask_for_stops(stack, chromium)
    stack.manage("shell", "-c", "from tests.browser import aged; aged.as_in_the_mock()")


def _add(stack: Stack, name: str, region: str, account: str) -> Any:
    keys = stack.add_element(name, region, interval="30")
    keys.account = account
    return keys


def _element(stack: Stack, name: str, region: str, account: str, groups: Any) -> Any:
    for pattern, running, stopped in groups:
        names = [pattern.format(number) for number in range(1, running + stopped + 1)]
        since = stack.aws.now() - timedelta(days=41)
        common = {"account": account, "launched_at": since, "type": "c7g.2xlarge"}
        stack.aws.add_instances(region, names=names[:running], **common)
        stack.aws.add_instances(region, names=names[running:], state="stopped", **common)
    return _add(stack, name, region, account)


def _frankfurt(stack: Stack) -> Callable[[str | None], Handle]:
    """Add the instances of the first element and return a way to find one by its name."""
    ids: dict[str | None, str] = {}
    for name, type_, zone, private_ip, public_ip, days, more in _FRANKFURT:
        tags = {"env": "prod", "channel": "B", "role": "playout"} if name == "playout-b-main" else {"env": "prod"}
        (ids[name],) = stack.aws.add_instances(
            names=[name],
            account="482109375516",
            launched_at=stack.aws.now() - timedelta(days=days),
            tags=tags if name else None,
            **{"type": type_, "zone": zone, "private_ip": private_ip, "public_ip": public_ip, **more},
        )
    return lambda name: stack.aws.instance(ids[name])


def _troubles(instance: Callable[[str | None], Handle]) -> None:
    instance("playout-b-main").fail_check("instance")
    instance("archive-mover").fail_check("ebs")
    later = instance("scte-inserter-2").raw
    later.initializing_until = later.phases[0].at + timedelta(days=1)
    instance("archive-mover").schedule_event("instance-stop", in_s=41 * _MINUTE, lasts_s=None)
    instance("playout-b-main").schedule_event("instance-reboot", in_s=3.45 * _HOUR, deadline_s=6.4 * _DAY)
    instance("mcr-gateway-02").schedule_event("system-maintenance", in_s=4.5 * _DAY, deadline_s=10.5 * _DAY)
    instance(None).schedule_event("instance-retirement", in_s=13.5 * _DAY, lasts_s=None)
    instance("encoder-hd-01").schedule_event("system-reboot", in_s=19.4 * _DAY, deadline_s=23.5 * _DAY)
    instance("metrics-1").schedule_event("system-reboot", in_s=-12 * _MINUTE, deadline_s=1.97 * _DAY)
    for name in ("encoder-hd-02", "subtitle-ocr"):
        instance(name).schedule_event("instance-reboot", in_s=-2 * _DAY).complete()


def _ask_for_stops(stack: Stack, chromium: Browser) -> None:
    """Stop one which AWS refuses and one which takes its time."""
    page = chromium.new_page(base_url=stack.url)
    page.goto(f"/login/?next={FRANKFURT}/instances/")
    page.get_by_label("User name").fill("maria.k")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for name in ("playout-c-backup", "playout-c-main"):
        page.goto(f"{FRANKFURT}/instances/?q={name}")
        page.locator("tbody [data-act=stop]").first.click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Stop").last.click()
        dialog.wait_for(state="hidden")
    refused = page.locator("[data-flash-key]")
    wait_for(lambda: page.reload() and refused.count(), "nothing was refused", seconds=60)
    page.close()
