"""An evening of marking on the running system: a group, a correction by keys, a promise with its sample, an undo."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

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
    teacher: Page, evening: dict[str, int]
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
