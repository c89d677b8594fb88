"""Elements in every state that a page can show, for the tests which look at all pages; polled when a test says so."""

from dataclasses import dataclass

from tests.browser.stack import Stack

REGION = "us-east-2"
NEVER_BY_ITSELF = "86400"
PLAIN = ("encoder-1", "encoder-2", "encoder-3", "encoder-4", "encoder-5", "gateway", "spare", "ocr")
LONG = "playout-transcoder-with-a-name-longer-than-any-column-could-ever-be-made-" + "x" * 60
ODD = (LONG, "🎬 trailer 🎬", "مُشغّل-البث", None)


@dataclass
class Gallery:
    """`found` are the instance IDs of the element Gallery by name."""

    stack: Stack
    found: dict[str, str]
    instances = "/e/gallery/instances/"

    def aws(self, name: str):
        """Return a simulated instance."""
        return self.stack.aws.instance(self.found[name])

    def reset(self) -> None:
        """Let all that are known by a plain name run but one, and read it."""
        for name in PLAIN:
            self.aws(name).state = "stopped" if name == "spare" else "running"
        self.poll()

    def poll(self) -> None:
        """Poll the element and wait for the end."""
        self.stack.manage("poll", "Gallery")


def fill(stack: Stack) -> Gallery:
    """Add Gallery (connected), Empty (no instance), Refused (with rows, then refused), Keyless (never read), Paused
    and Late (throttled)."""
    ids = stack.aws.add_instances(REGION, names=[*PLAIN, *ODD], public_ip="3.120.44.9")
    gallery = Gallery(stack, dict(zip((*PLAIN, *ODD), ids, strict=True)))
    gallery.aws("spare").state = "stopped"
    gallery.aws("gateway").fail_check()
    gallery.aws("gateway").schedule_event("instance-reboot", in_s=90_000, deadline_s=500_000)
    gallery.aws("ocr").schedule_event("instance-retirement", in_s=7_200)
    stack.add_element("Gallery", REGION, interval=NEVER_BY_ITSELF)
    stack.add_element("Empty", "ca-central-1", interval=NEVER_BY_ITSELF)
    refused = stack.add_element("Refused", REGION, interval=NEVER_BY_ITSELF)
    urls = (f"--endpoint-url={stack.aws.url}", f"--sts-endpoint-url={stack.aws.url}")
    no_keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "")
    stack.manage("element", "add", "Keyless", "--region=eu-south-1", *urls, **no_keys)
    stack.manage("poll", "Gallery", "Empty", "Refused")
    for name, region in (("Paused", "eu-central-2"), ("Late", "ap-northeast-1")):
        stack.aws.add_instances(region, names=[f"{name.lower()}-1"])
        stack.add_element(name, region, interval=NEVER_BY_ITSELF)
    stack.manage("poll", "Paused", "Late")
    stack.manage("element", "pause", "Paused")
    throttle = "from elements.models import Poll; Poll.objects.filter(element__name='Late').update(throttled=True)"
    stack.manage("shell", "-v0", "-c", throttle)
    del stack.aws.world.keys[refused.access_key_id]
    assert stack.attempt("poll", "Refused")[0] == 1
    return gallery
