"""Pictures of what strains the interface: wild names, 10 000 instances, 40 elements, failures of a day, little room."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.pictures import Album, sign_in
from tests.browser.stack import PASSWORD, Stack

# width, height, colours, dots for each pixel: at 200 % a window of 1440 px has room for 720
LOOKS: dict[str, tuple[int, int, Any, int]] = {
    "light": (1440, 900, "light", 1),
    "dark": (1440, 900, "dark", 1),
    "narrow": (390, 844, "light", 1),
    "320px": (320, 640, "light", 1),
    "zoomed": (720, 450, "light", 2),
}
ALL, WIDE, SMALL = tuple(LOOKS), ("light", "dark"), ("narrow", "320px", "zoomed")
_NEVER_BY_ITSELF = "86400"
_LONG = "encoder-hevc-uhd-linear-sports-channel-europe-west-primary-transcoder-group-03-node-0017"
_NAMES = (
    _LONG,
    "x" * 200,
    "🎬 trailer 🎬",
    "👩‍👩‍👧‍👦 family channel",
    "مُشغّل-البث-01",
    "שידור חי 7",
    "字幕サーバ-02",
    "a",
    None,
)
_ODD, _MANY, _FAILING, _NEVER = ("/e/odd-names", "/e/ten-thousand", "/e/failing-for-a-day", "/e/never-polled")


def _nothing(page: Page) -> None:
    """Leave the page as it is."""


def _open(name: str) -> Callable[[Page], None]:
    def click(page: Page) -> None:
        page.locator("tbody .key").filter(has_text=name).first.click()
        page.get_by_role("heading", name=name).first.wait_for()

    return click


def _select_all(page: Page) -> None:
    page.get_by_label("Select all shown").check()
    page.locator("[data-select-more]").wait_for()


def _select_matching(page: Page) -> None:
    _select_all(page)
    page.locator("[data-select-matching]").click()
    page.get_by_text("400 selected").first.wait_for()


def _ask_to_stop(page: Page) -> None:
    page.locator("tbody [data-act=stop]:not([aria-disabled])").first.click()
    page.get_by_role("dialog").wait_for()


def _open_drawer(page: Page) -> None:
    page.get_by_role("button", name="Elements").click()
    page.locator("#side .side__link").first.wait_for()


def _wrong_password(page: Page) -> None:
    page.get_by_label("User name").fill("maria")
    page.get_by_label("Password").fill("guessed")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("is wrong").wait_for()


@dataclass(frozen=True)
class Picture:
    """A page in a state, who sees it, and in which looks it is taken."""

    name: str
    path: str
    prepare: Callable[[Page], None] = _nothing
    looks: tuple[str, ...] = ALL
    user: str = "maria"


WITHOUT_ELEMENT = (
    Picture("no-element", "/"),
    Picture("no-element-viewer", "/", looks=("light", "narrow"), user="vera"),
    Picture("no-element-wall", "/wall/", looks=WIDE),
)
PICTURES = (
    Picture("odd-names-instances", f"{_ODD}/instances/"),
    Picture("odd-names-stop", f"{_ODD}/instances/", _ask_to_stop, SMALL),
    Picture("odd-names-events", f"{_ODD}/events/"),
    Picture("odd-names-configuration", f"{_ODD}/configuration/", looks=SMALL),
    Picture("odd-names-debug", f"{_ODD}/debug/", looks=SMALL),
    Picture("50-tags-instance", f"{_ODD}/instances/?q={_LONG}", _open(_LONG)),
    Picture("right-to-left-instance", f"{_ODD}/instances/", _open("مُشغّل"), ("light", "narrow")),
    Picture("10000-instances", f"{_MANY}/instances/", looks=("light", "dark", "narrow")),
    Picture("10000-instances-last-page", f"{_MANY}/instances/?page=200", looks=("light", "narrow")),
    Picture("10000-instances-page-selected", f"{_MANY}/instances/?page=3", _select_all, WIDE),
    Picture("10000-instances-all-matching", f"{_MANY}/instances/?q=type:c7i.*", _select_matching, WIDE),
    Picture("never-polled-instances", f"{_NEVER}/instances/", looks=("light", "narrow")),
    Picture("never-polled-general", f"{_NEVER}/general/", looks=("light",)),
    Picture("failing-for-a-day-general", f"{_FAILING}/general/"),
    Picture("failing-for-a-day-instances", f"{_FAILING}/instances/"),
    Picture("40-elements-overview", "/"),
    Picture("40-elements-wall", "/wall/"),
    Picture("40-elements-drawer", "/", _open_drawer, ("narrow", "320px")),
    Picture("viewer-instances", f"{_ODD}/instances/", looks=("light", "narrow"), user="vera"),
    Picture("viewer-instance", f"{_ODD}/instances/?q={_LONG}", _open(_LONG), ("light",), "vera"),
    Picture("viewer-general", f"{_ODD}/general/", looks=("light", "narrow"), user="vera"),
    Picture("viewer-configuration", f"{_ODD}/configuration/", looks=("light", "narrow"), user="vera"),
    Picture("viewer-events", f"{_ODD}/events/", looks=("light",), user="vera"),
    Picture("not-found", "/e/nowhere/"),
    Picture("not-allowed", "/wall/screens/", looks=("light", "dark", "narrow"), user="vera"),
    Picture("sign-in", "/login/", user=""),
    Picture("sign-in-wrong", "/login/", _wrong_password, ("light", "dark"), ""),
)


def take_all(chromium: Browser, out: Path) -> None:
    """Start a product, take it empty, fill it, and take the rest."""
    with tempfile.TemporaryDirectory(prefix="ec2mon-stress-") as directory, Stack(Path(directory)) as stack:
        stack.add_user("maria", "administrators")
        stack.add_user("vera", "viewers")
        album = Album(chromium, out)
        take(chromium, stack.url, album, WITHOUT_ELEMENT)
        fill(stack)
        take(chromium, stack.url, album, PICTURES)


def take(chromium: Browser, url: str, album: Album, pictures: tuple[Picture, ...]) -> None:
    """Take pictures in all of their looks."""
    for look, (width, height, scheme, scale) in LOOKS.items():
        for user in sorted({picture.user for picture in pictures if look in picture.looks}):
            context = chromium.new_context(
                base_url=url,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                device_scale_factor=scale,
            )
            sign_in(context, user, PASSWORD)
            for picture in pictures:
                if look in picture.looks and picture.user == user:
                    page = context.new_page()
                    page.goto(picture.path)
                    picture.prepare(page)
                    album.add(f"{picture.name}-{look}", page)
                    page.close()
            context.close()


def fill(stack: Stack) -> None:
    """Add the elements that strain the pages, and read each once."""
    odd = stack.aws.add_instances(names=_NAMES, public_ip="3.120.44.9", type="c7i.4xlarge")
    tags = {f"cost-centre-{number:02}": f"broadcast operations {number * 17}" for number in range(1, 50)}
    stack.aws.instance(odd[0]).tags.update(tags)
    stack.aws.instance(odd[0]).fail_check("instance")
    for number, instance_id in enumerate(odd[:6]):
        stack.aws.instance(instance_id).schedule_event(in_s=40_000 * number + 3000, deadline_s=700_000)
    for state, kind, count in (
        ("running", "m7g.large", 8600),
        ("stopped", "t3.micro", 1000),
        ("running", "c7i.large", 400),
    ):
        names = [f"node-{kind.split('.')[0]}-{number:05}" for number in range(1, count + 1)]
        stack.aws.add_instances("us-west-2", names=names, state=state, type=kind)
    stack.aws.add_instances("eu-west-3", names=[f"relay-{number}" for number in range(1, 9)])
    stack.aws.add_instances("us-east-1", names=[f"origin-{number:02}" for number in range(1, 25)])
    stack.add_element("Odd names", interval=_NEVER_BY_ITSELF)
    stack.add_element("Ten thousand", "us-west-2", interval=_NEVER_BY_ITSELF)
    refused = stack.add_element("Failing for a day", "us-east-1", interval=_NEVER_BY_ITSELF)
    names = [f"Site {number:02} – {('Headend', 'Studio', 'Relay')[number % 3]}" for number in range(1, 37)]
    for name in names:
        stack.add_element(name, "eu-west-3", interval=_NEVER_BY_ITSELF)
    stack.add_element("Never polled", "ap-southeast-2", interval=_NEVER_BY_ITSELF)
    stack.manage("poll", "Odd names", "Ten thousand", "Failing for a day", *names)
    del stack.aws.world.keys[refused.access_key_id]
    stack.attempt("poll", "Failing for a day")
    stack.manage("shell", "-c", "from tests.browser import aged; aged.under_stress()")
