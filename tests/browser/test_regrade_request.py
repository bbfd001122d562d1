"""A request for a regrade on the running system: asked by the student, answered by keys at the desk, read again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_request_is_answered_with_other_points_by_keys(
    sign_in: Callable[[str], Page], evening: dict[str, int]
) -> None:
    student, teacher = sign_in("student1@example.org"), sign_in("teacher@example.org")
    mine = f"/grading/submissions/{evening['asked_paper']}/grade/"
    student.goto(mine)
    expect(student.locator(".big-points")).to_contain_text("3")
    student.get_by_text("Ask for another look").click()
    student.get_by_label("What should be looked at again, and why?").fill("I did say that the circuit is open.")
    student.get_by_role("button", name="Send the request").click()
    expect(student.get_by_text("This request waits for an answer.")).to_be_visible()

    teacher.goto("/")
    teacher.get_by_role("link", name="1 regrade requests").click()
    teacher.get_by_role("link", name="Look at the paper and answer").click()
    expect(teacher.get_by_text("I did say that the circuit is open.").first).to_be_visible()
    expect(teacher.locator("#mark-anew")).to_be_visible()
    teacher.keyboard.press("e")
    expect(teacher.get_by_text("Approve the new grade below, then answer.")).to_be_visible()
    teacher.keyboard.press("4")
    teacher.keyboard.press("a")
    answer = teacher.get_by_role("button", name="Answer and release the new grade")
    expect(answer).to_be_visible()
    teacher.keyboard.press("r")
    teacher.keyboard.type("You are right: full points.")
    teacher.keyboard.press("Tab")
    expect(answer).to_be_focused()
    teacher.keyboard.press("Enter")
    expect(teacher.get_by_text("Answered; the new grade is released.")).to_be_visible()

    student.goto(mine)
    expect(student.locator(".big-points")).to_contain_text("4")
    expect(student.get_by_text("You are right: full points.")).to_be_visible()
    expect(student.get_by_text("changed the grade from 3 to 4 points")).to_be_visible()
