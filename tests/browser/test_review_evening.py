"""An evening of marking on the running system: a group, a correction by keys, a promise with its sample, an undo."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.system import Site

# Points in all and for the two criteria.
AS_PROPOSED, CORRECTED = [2.0, 1.0, 1.0], [2.0, 2.0, 0.0]
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def teacher(sign_in: Callable[[str], Page]) -> Page:
    return sign_in("teacher@example.org")


def test_a_group_is_marked_once_and_undone_as_one_act(teacher: Page, evening: dict[str, int]) -> None:
    teacher.goto(f"/grading/assignments/{evening['alike']}/groups/")
    teacher.locator("main table a").first.click()
    group = teacher.url
    teacher.locator("#group-mark input[name=points]").fill("3")
    teacher.get_by_role("button", name="Mark and approve 3 answers").click()
    teacher.goto(group)
    expect(teacher.get_by_text("Every answer of this group is decided.")).to_be_visible()
    teacher.get_by_role("button", name="Undo my last act").click()
    expect(teacher.get_by_text(re.compile("Undone: "))).to_be_visible()
    teacher.goto(group)
    expect(teacher.get_by_role("button", name="Mark and approve 3 answers")).to_be_visible()


def test_twenty_papers_take_a_key_each_and_a_correction_four_and_one_page_is_loaded_at_the_end(
    teacher: Page, site: Site, evening: dict[str, int]
) -> None:
    """The figures of docs/review.md: every fifth paper gets other points for its two criteria."""
    teacher.goto(f"/grading/submissions/{evening['paper']}/review/")
    teacher.evaluate("window.sameDocument = true")
    pressed = 0
    for place in range(20):
        keys = ["2", "j", "0", "a"] if place % 5 == 0 else ["a"]
        if place == 19:
            assert teacher.evaluate("window.sameDocument"), "not one page was loaded anew before the queue is empty"
        before = teacher.url
        for key in keys:
            teacher.keyboard.press(key)
        pressed += len(keys)
        teacher.wait_for_url(lambda url, before=before: url != before)
    assert pressed == 32
    teacher.goto(f"/grading/assignments/{evening['read']}/review/?show=to_review")
    expect(teacher.locator("main table tbody tr")).to_have_count(0)
    given = [CORRECTED if place % 5 == 0 else AS_PROPOSED for place in range(20)]
    assert marks_of(site, evening["read"]) == given


def test_the_whole_review_is_walked_by_keys_only(teacher: Page, site: Site, evening: dict[str, int]) -> None:
    """From the assignment's page to the last paper approved: nothing is clicked and no address typed on the way."""
    teacher.goto(f"/assignments/{evening['walk']}/")
    walk_to(teacher, teacher.locator("#marking-title ~ .acts-row a").first)
    walk_to(teacher, teacher.locator("main table a").first)
    expect(teacher.locator("#id_points")).to_be_visible()
    teacher.keyboard.press("?")
    expect(teacher.locator("#keys-dialog")).to_be_visible()
    teacher.keyboard.press("Enter")  # the button that closes it has the focus
    expect(teacher.locator("#keys-dialog")).to_be_hidden()
    press(teacher, "a")
    teacher.keyboard.press("t")
    expect(teacher.locator("#id_feedback")).to_be_focused()
    teacher.keyboard.press("Control+a")
    teacher.keyboard.type("Name the law.")
    teacher.keyboard.press("Escape")
    press(teacher, "2", "j", "0", "a")
    press(teacher, "a")
    walk_to(teacher, teacher.locator("#approve"))  # and so do those who switched single keys off
    teacher.wait_for_url(re.compile("/review/"))
    assert marks_of(site, evening["walk"]) == [AS_PROPOSED, CORRECTED, AS_PROPOSED, AS_PROPOSED]
    assert feedback_of(site, evening["walk"])[1] == "Name the law."


def press(page: Page, *keys: str) -> None:
    """Keys of which the last leads on to the next paper."""
    before = page.url
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_url(lambda url: url != before)


def walk_to(page: Page, aim: Locator) -> None:
    """Tab until the focus is on `aim`, and press Enter there."""
    expect(aim).to_be_visible()
    for _ in range(100):
        page.keyboard.press("Tab")
        if aim.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Enter")
            page.wait_for_load_state()
            return
    raise AssertionError(f"{aim} is not reached by Tab")


def marks_of(site: Site, assignment: int) -> list[list[float]]:
    """What was approved, by student: the points in all and for each criterion."""
    grades = f"Grade.objects.filter(submission__assignment={assignment}, state='approved').order_by('submission')"
    points = "[float(x.points), *(float(s.points) for s in x.criterion_scores.all())]"
    return list(asked(site, f"[{points} for x in {grades}]"))


def feedback_of(site: Site, assignment: int) -> list[str]:
    rows = f"Feedback.objects.filter(grade__submission__assignment={assignment}).order_by('grade__submission')"
    return list(asked(site, f"[x.text for x in {rows}]"))


def asked(site: Site, expression: str) -> Any:
    """What the site's database holds; `expression` may name models of grading."""
    code = f"import json; from grading.models import Feedback, Grade; print(json.dumps({expression}))"
    return json.loads(site.shell(code).splitlines()[-1])


def test_a_promise_accepts_in_bulk_brings_a_blind_sample_back_and_can_be_undone(
    teacher: Page, evening: dict[str, int]
) -> None:
    page = f"/grading/assignments/{evening['sure']}/promise/"
    teacher.goto(page)
    expect(teacher.get_by_text("With your 24 marks, 30 of 30 can be accepted unread")).to_be_visible()
    accept(teacher)
    teacher.get_by_role("button", name="Undo my last act").click()
    expect(teacher.get_by_text(re.compile("Undone: "))).to_be_visible()

    teacher.goto(page)
    expect(teacher.get_by_text("With your 24 marks, 30 of 30 can be accepted unread")).to_be_visible()
    accept(teacher)
    for _ in range(5):
        expect(teacher.get_by_text("Mark this answer; the proposal is hidden")).to_be_visible()
        teacher.locator("#id_points").fill("2")
        teacher.get_by_role("button", name="Approve, next").click()
    expect(teacher.get_by_text("The promise is kept: 0 of 5 in the sample were off by more.")).to_be_visible()


def accept(page: Page) -> None:
    page.get_by_role("button", name="Accept 25 papers").click()
    expect(page.get_by_text("25 papers were accepted.")).to_be_visible()
    expect(page.get_by_text("0 of 5 marked")).to_be_visible()
