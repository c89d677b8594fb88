"""The world of `make demo`: a broadcaster's instances in a few regions, with everything that makes trouble."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from simulator.server import Handle, Simulator


@dataclass(frozen=True, slots=True)
class DemoElement:
    """An element of the demo and its obviously fake keys."""

    name: str
    region: str
    access_key_id: str
    secret_access_key: str
    account: str = "111122223333"
    known: bool = True
    paused: bool = False


FRANKFURT = DemoElement(
    "Frankfurt – Playout", "eu-central-1", "AKIADEMOFRANKFURT001", "demo-not-a-real-secret-frankfurt"
)
IRELAND = DemoElement("Ireland – Contribution", "eu-west-1", "AKIADEMOIRELAND00002", "demo-not-a-real-secret-ireland")
VIRGINIA = DemoElement(
    "Virginia – Archive", "us-east-1", "AKIADEMOREVOKED00003", "demo-not-a-real-secret-revoked", known=False
)
TOKYO = DemoElement(
    "Tokyo – Lab", "ap-northeast-1", "AKIADEMOTOKYO0000004", "demo-not-a-real-secret-tokyo", "444455556666", paused=True
)
ELEMENTS = (FRANKFURT, IRELAND, VIRGINIA, TOKYO)

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_LONG = "encoder-hevc-uhd-linear-sports-channel-europe-west-primary-transcoder-group-03-node-0017"
_ASG = "aws:autoscaling:groupName"
_LIFE_STEP_S = 15.0


def build(aws: Simulator) -> None:
    """Put the demo's keys and instances into a simulator."""
    for element in ELEMENTS:
        if element.known:
            aws.add_keys(element.access_key_id, element.secret_access_key, account=element.account)
    frankfurt, ireland = _Maker(aws, FRANKFURT), _Maker(aws, IRELAND)
    _frankfurt(frankfurt)
    _frankfurt_troubles(frankfurt)
    _frankfurt_events(frankfurt)
    _ireland(ireland)
    _Maker(aws, TOKYO).add("lab-{:02}", 6, type="t3.small", state="stopped", days=200)


class _Maker:
    """Adds instances to one element and remembers them by name."""

    def __init__(self, aws: Simulator, element: DemoElement) -> None:
        self.aws, self.element = aws, element
        self._ids: dict[str, str] = {}
        self._made = 0

    def add(
        self, pattern: str | None, count: int = 1, *, days: float = 30, public: bool = False, **fields: Any
    ) -> None:
        """Add `count` instances; the pattern's placeholder becomes 1, 2, 3, and None gives no Name tag."""
        for number in range(1, count + 1):
            self._made += 1
            name = None if pattern is None else pattern.format(number)
            (instance_id,) = self.aws.add_instances(
                self.element.region,
                account=self.element.account,
                names=[name],
                launched_at=self.aws.now() - timedelta(days=days, minutes=37 * self._made),
                zone="abc"[self._made % 3],
                public_ip=f"203.0.113.{self._made}" if public else None,
                iam_role="media-node",
                **fields,
            )
            self._ids[name or instance_id] = instance_id

    def __getitem__(self, name: str) -> Handle:
        return self.aws.instance(self._ids[name])


def _tags(service: str, **more: str) -> dict[str, str]:
    return {"Service": service, "Owner": "media-operations", "Environment": "production", **more}


def _frankfurt(make: _Maker) -> None:
    for channel in "abcd":
        for role in ("main", "backup"):
            make.add(
                f"playout-{channel}-{role}", type="c6i.2xlarge", tags=_tags("playout", Channel=channel.upper()), days=61
            )
    make.add("encoder-hd-{:02}", 12, type="c6i.4xlarge", tags=_tags("encoder"), days=18)
    make.add("encoder-hd-1{}-standby", 4, type="c6i.4xlarge", state="stopped", tags=_tags("encoder"), days=90)
    make.add("encoder-uhd-{:02}", 4, type="g5.4xlarge", tags=_tags("encoder", Quality="UHD"), days=12)
    make.add(_LONG, type="c6i.8xlarge", tags=_tags("encoder"), days=5)
    make.add("mcr-gateway-{:02}", 4, type="c6in.large", public=True, tags=_tags("gateway"), days=140)
    make.add(
        "asg-packager-0{}", 3, type="c6g.large", architecture="arm64", tags=_tags("packager", **{_ASG: "packager"})
    )
    make.add("scte-inserter-{}", 2, type="m6i.large", tags=_tags("scte"))
    make.add("subtitle-ocr", type="g4dn.xlarge", tags=_tags("subtitles"))
    make.add("字幕サーバ-02", type="m6i.large", tags=_tags("subtitles"))
    make.add("بث-مباشر-01", type="m6i.xlarge", tags=_tags("playout"))
    make.add("🎬 promo-render-0{}", 2, type="g5.xlarge", tags=_tags("graphics"), days=2)
    make.add("web", tags=_tags("web"), type="t3.medium", public=True)
    make.add("web", 2, tags=_tags("web"), type="t3.medium", public=True)
    make.add(None, 3, type="t3.micro", days=400)
    make.add("bastion", type="t4g.nano", architecture="arm64", public=True, days=300)
    make.add("metrics-1", type="m6i.large", tags={f"cost-{n:02}": f"centre {n * 17}" for n in range(1, 50)})


def _frankfurt_troubles(make: _Maker) -> None:
    make.add("qc-station-{}", 2, type="m6i.xlarge", platform="Windows", state="stopped", tags=_tags("qc"))
    make.add("archive-mover", type="d3.xlarge", root_device="instance-store", tags=_tags("archive"))
    make.add("transcode-spot-{:02}", 3, type="c6i.2xlarge", lifecycle="spot", tags=_tags("transcoder"), days=0.3)
    make.add(
        "transcode-spot-kept", type="c6i.2xlarge", lifecycle="spot", spot_type="persistent", tags=_tags("transcoder")
    )
    make.add("managed-worker", type="m6i.large", managed_by="eks.amazonaws.com", tags=_tags("platform"))
    make.add("old-ingest", type="m4.large", state="terminated", days=800)
    make["playout-a-main"].protect()
    make["qc-station-2"].raw.kms_denied = True
    make["encoder-uhd-04"].state = "stopped"
    make["encoder-uhd-04"].raw.no_capacity = True
    now = make.aws.now()
    make["subtitle-ocr"].fail_check("instance", now - timedelta(minutes=12))
    make["encoder-hd-07"].fail_check("system", now - timedelta(minutes=44))
    make["encoder-hd-07"].fail_check("instance", now - timedelta(minutes=43))
    make["mcr-gateway-02"].fail_check("ebs", now - timedelta(hours=3))
    make["scte-inserter-1"].raw.checks["instance"] = "insufficient-data"


def _frankfurt_events(make: _Maker) -> None:
    make["playout-b-main"].schedule_event("instance-reboot", in_s=40 * _MINUTE, deadline_s=6 * _DAY)
    make["encoder-hd-03"].schedule_event("system-reboot", in_s=5 * _DAY, deadline_s=12 * _DAY)
    make["mcr-gateway-01"].schedule_event("system-maintenance", in_s=20 * _HOUR)
    make["bastion"].schedule_event("instance-retirement", in_s=9 * _DAY, lasts_s=None)
    make["encoder-hd-09"].schedule_event("instance-stop", in_s=18 * _HOUR, lasts_s=None, deadline_s=3 * _DAY)
    make["scte-inserter-2"].schedule_event("system-maintenance", in_s=-10 * _MINUTE)
    make["encoder-hd-05"].schedule_event("instance-reboot", in_s=-2 * _DAY).complete()
    make["qc-station-1"].schedule_event("system-reboot", in_s=3 * _DAY, deadline_s=8 * _DAY).cancel()


def _ireland(make: _Maker) -> None:
    make.add("ingest-srt-{:02}", 16, type="c6in.xlarge", public=True, tags=_tags("ingest"), days=33)
    make.add("ingest-srt-9{}-spare", 3, type="c6in.xlarge", state="stopped", tags=_tags("ingest"), days=33)
    make.add("graphics-{:02}", 8, type="g4dn.2xlarge", tags=_tags("graphics"), days=9)
    make.add("probe-{}", 5, type="t3.small", tags=_tags("monitoring"), days=210)
    make.add("relay-{}", 4, type="m6i.large", public=True, tags=_tags("relay"), days=77)
    make.add(
        "asg-packager-1{}", 3, type="c6g.large", architecture="arm64", tags=_tags("packager", **{_ASG: "packager"})
    )
    make.add("nightly-transcode", type="c6i.4xlarge", state="stopped", tags=_tags("transcoder"), days=1)
    make["probe-3"].fail_check("instance", make.aws.now() - timedelta(hours=31))
    make["graphics-05"].schedule_event("system-reboot", in_s=14 * _DAY, deadline_s=20 * _DAY)
    make["relay-2"].schedule_event("instance-reboot", in_s=-5 * _DAY).complete()


def live(aws: Simulator, ended: threading.Event) -> None:
    """Let the world change a little by itself until `ended`: scaling, a nightly job, events that take place."""
    packagers: list[str] = []
    step = 0
    while not ended.wait(_LIFE_STEP_S):
        step += 1
        if step % 4 == 1:
            _scale(aws, packagers, step)
        if step % 8 == 0:
            _nightly_job(aws)
        _hold_events(aws)


def _scale(aws: Simulator, packagers: list[str], step: int) -> None:
    """Add one packager of the Auto Scaling group, or take the oldest away; what is terminated vanishes a turn later."""
    for instance_id in [i for i in packagers if aws.instance(i).state == "terminated"]:
        packagers.remove(instance_id)
        aws.vanish(instance_id)
    if step % 8 == 1:
        tags = _tags("packager", Name=f"asg-packager-{step:02x}", **{_ASG: "packager"})
        (fresh,) = aws.add_instances(
            FRANKFURT.region, account=FRANKFURT.account, type="c6g.large", state="stopped", tags=tags
        )
        aws.instance(fresh).start()
        packagers.append(fresh)
    elif packagers:
        aws.instance(packagers[0]).terminate()


def _nightly_job(aws: Simulator) -> None:
    """Start or stop the job's instance, as its own schedule would."""
    with aws.world.lock:
        job = next(i for i in aws.world.instances.values() if i.tags.get("Name") == "nightly-transcode")
    handle = aws.instance(job.instance_id)
    if handle.state == "stopped":
        handle.start()
    elif handle.state == "running":
        handle.stop()


def _hold_events(aws: Simulator) -> None:
    """Complete the scheduled events whose time is over."""
    now = aws.now()
    with aws.world.lock:
        for event in [event for instance in aws.world.instances.values() for event in instance.events]:
            if not event.over and event.not_after and event.not_after <= now:
                event.complete()
