# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""The README's pictures: `make screenshots`. The real system marks the sample course; what it shows is photographed.

Nothing is drawn or made up: the points and the feedback are what the starter model proposed, but where a teacher's hand
is to be seen, this script plays the teacher.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.system import Site, chromium, log_in, running_site  # noqa: E402

PICTURES = ROOT / "docs" / "screenshots"
WIDE, HIGH, LOW, PHONE = (
    {"width": 1280, "height": 840},
    {"width": 1280, "height": 1130},
    {"width": 1280, "height": 640},
    {"width": 390, "height": 780},
)
MINUTES = 60_000
SPOONS, ESSAY = "Two spoons in a drawer", "Essay: phones at school"
WRITER, READER = "Farid Ghanem", "Grace Huang"  # whose essay lies on the desk; whose released grade is shown


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="marginalia-") as var,
        running_site(Path(var)) as site,
        chromium() as browser,
    ):
        teacher = visitor(browser, site, "teacher@example.org")
        spoons, essay = address_of(teacher, SPOONS), address_of(teacher, ESSAY)
        mark(teacher, spoons)
        release_to(teacher, spoons, READER)
        start_marking(teacher, essay)
        assignment(teacher, essay)
        wait_for_marking(teacher)
        desk(teacher, browser, site, essay)
        rubric(teacher, essay)
        grade(visitor(browser, site, "student7@example.org"))
        version(visitor(browser, site, "admin@example.org"))


def visitor(browser: Browser, site: Site, email: str, *, phone: bool = False) -> Page:
    """Somebody logged in, at a desk in light colours or on a phone in dark ones."""
    context = browser.new_context(
        base_url=site.address,
        locale="en-GB",
        viewport=PHONE if phone else WIDE,
        device_scale_factor=2 if phone else 1,
        has_touch=phone,
        color_scheme="dark" if phone else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    log_in(page, email)
    return page


def address_of(page: Page, title: str) -> str:
    page.goto("/courses/")
    page.get_by_role("link", name="Thinking in Writing").first.click()
    return str(page.get_by_role("link", name=title, exact=True).first.get_attribute("href"))


def mark(page: Page, address: str) -> None:
    start_marking(page, address)
    wait_for_marking(page)


def start_marking(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Start marking").click()
    expect(page.locator("#run-progress")).to_be_visible()


def wait_for_marking(page: Page) -> None:
    expect(page.get_by_text("The run is over.")).to_be_visible(timeout=15 * MINUTES)


def release_to(page: Page, address: str, student: str) -> None:
    """The teacher corrects one proposal, approves it and releases it."""
    open_paper(page, address, student)
    page.locator("#id_points").fill("2.5")
    page.locator("#id_feedback").fill(
        "Same temperature, better conductor, and heat that leaves your hand: that is the heart of it. "
        "Say at the end what your skin really notices."
    )
    page.get_by_role("button", name="Approve, next").click()
    page.wait_for_load_state()
    page.goto(address)
    page.get_by_role("link", name=re.compile(r"^\s*Release")).click()
    page.get_by_role("button", name=re.compile(r"^\s*Release \d+ grade")).click()
    page.wait_for_load_state()


def open_paper(page: Page, address: str, student: str) -> None:
    page.goto(address.replace("/assignments/", "/grading/assignments/") + "review/")
    page.locator("main table").get_by_role("link", name=student).first.click()
    expect(page.locator("#id_points")).to_be_visible()


def assignment(page: Page, address: str) -> None:
    """The assignment while its answers are being marked; the page with the progress is open afterwards."""
    run = page.url
    page.goto(address)
    expect(page.get_by_role("link", name="Watch the run")).to_be_visible()
    shoot(page, "assignment")
    page.goto(run)


def desk(page: Page, browser: Browser, site: Site, address: str) -> None:
    open_paper(page, address, WRITER)
    # The essay takes no position, so the teacher gives nothing for one; what was proposed stays beside it.
    page.locator(".rubric li").first.get_by_role("button").first.click()
    page.set_viewport_size(HIGH)
    shoot(page, "desk")
    page.set_viewport_size(WIDE)
    phone = visitor(browser, site, "teacher@example.org", phone=True)
    phone.goto(page.url)
    phone.locator(".margin").evaluate("margin => margin.scrollIntoView()")
    shoot(phone, "desk-phone")


def rubric(page: Page, address: str) -> None:
    page.goto(f"{address}rubric/")
    shoot(page, "rubric")


def grade(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name=re.compile(r"of 3 points")).first.click()
    expect(page.get_by_text("A language model proposed this grade.")).to_be_visible()
    shoot(page, "grade")


def version(page: Page) -> None:
    page.goto("/grading/versions/")
    page.locator("main table a, main ul a").first.click()
    page.set_viewport_size(LOW)
    shoot(page, "version")


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate("document.activeElement?.blur()")
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file, animations="disabled")
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
