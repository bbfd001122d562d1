"""A review by keyboard alone, in Chromium; a lost connection; two teachers at one grade."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from courses.models import Course, Membership, Role
from grading.models import Grade, GradeState
from grading.services import grade_change
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@pytest.fixture
def teachers(transactional_db: None) -> tuple[User, User]:
    first, second = make_user("miriam"), make_user("tom")
    course = Course.objects.create(name="Physics")
    Membership.objects.bulk_create(Membership(course=course, user=user, role=Role.TEACHER) for user in (first, second))
    return first, second


@pytest.fixture
def grades(teachers: tuple[User, User]) -> list[Grade]:
    assignment = make_assignment(Course.objects.get(), criteria=(2, 2))
    names = ("Adler", "Becker", "Coulomb")
    return [make_grade(make_submission(assignment, student=make_user(last_name=name))) for name in names]


@pytest.fixture
def open_as(browser: Browser, live_server: Any) -> Iterator[Callable[[User, Grade], Page]]:
    contexts, errors = [], []

    def open_page(user: User, grade: Grade) -> Page:
        client = Client()
        client.force_login(user, backend="gradingsite.accounts.EmailBackend")
        context = browser.new_context(locale="en-GB", base_url=live_server.url)
        contexts.append(context)
        cookie = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"/grading/submissions/{grade.submission_id}/review/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def saved(page: Page) -> None:
    expect(page.locator("#save-state")).to_have_text(re.compile(r"saved \d"), timeout=15_000)


def test_papers_are_marked_by_keys_alone(open_as, teachers, grades):
    page = open_as(teachers[0], grades[0])
    page.evaluate("window.sameDocument = true")
    keys = page.keyboard
    keys.press("2")
    keys.press("j")
    keys.press("0")
    keys.press("+")
    expect(page.locator("#id_points")).to_have_value("2.5")
    keys.press("t")
    expect(page.locator("#id_feedback")).to_be_focused()
    keys.press("Control+a")
    keys.type("A saving: apples fall, and so does u.")
    saved(page)
    keys.press("Escape")
    page.mouse.move(1000, 300)
    page.mouse.wheel(0, 300)
    expect(page.locator("#id_points")).to_have_value("2.5")
    keys.press("a")
    page.wait_for_url(re.compile(f"/submissions/{grades[1].submission_id}/"))
    assert page.evaluate("window.sameDocument"), "the next paper comes without a reload"
    row = Grade.objects.get(pk=grades[0].pk)
    assert (row.state, row.points) == (GradeState.APPROVED, Decimal("2.5"))
    assert row.feedback.text == "A saving: apples fall, and so does u."

    keys.press("u")
    page.wait_for_url(re.compile(f"/submissions/{grades[0].submission_id}/"))
    expect(page.get_by_text("Undone: the approval.")).to_be_visible()
    expect(page.locator("#id_points")).to_have_value("2.5")
    assert Grade.objects.get(pk=grades[0].pk).state == GradeState.PROPOSED

    keys.press("s")
    page.wait_for_url(re.compile(f"/submissions/{grades[1].submission_id}/"))
    keys.press("f")
    expect(page.get_by_text("flagged", exact=True)).to_be_visible()
    keys.press("/")
    keys.type("coul")
    keys.press("Enter")
    page.wait_for_url(re.compile(f"/submissions/{grades[2].submission_id}/"))
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_what_was_typed_without_a_connection_is_there_again_and_saved(open_as, teachers, grades):
    page = open_as(teachers[0], grades[0])
    page.route("**/autosave/", lambda route: route.abort())
    page.keyboard.press("t")
    page.keyboard.type("An hour of work. ")
    expect(page.locator("#save-state")).to_have_text("not saved, will try again")
    page.goto("about:blank")
    page.goto(f"/grading/submissions/{grades[0].submission_id}/review/")
    assert "An hour of work." in page.locator("#id_feedback").input_value()
    page.unroute("**/autosave/")
    saved(page)
    assert "An hour of work." in Grade.objects.get(pk=grades[0].pk).feedback.text


def test_two_at_one_grade_see_each_other_and_the_second_save_shows_both(open_as, teachers, grades):
    mine = open_as(teachers[0], grades[0])
    expect(mine.locator("#presence")).to_be_hidden()
    theirs = open_as(teachers[1], grades[0])
    expect(theirs.locator("#presence")).to_have_text("Miriam Tester has this paper open too")
    grade_change(grade=grades[0], by=teachers[1], edition=1, feedback="Theirs.")
    mine.locator("#id_feedback").fill("Mine.")
    expect(mine.locator("#save-state")).to_have_text(re.compile("Somebody changed this grade"))
    assert Grade.objects.get(pk=grades[0].pk).feedback.text == "Theirs."
    mine.get_by_role("button", name="Compare the two").press("Enter")
    expect(mine.get_by_role("cell", name="Theirs.")).to_be_visible()
    expect(mine.get_by_role("cell", name="Mine.")).to_be_visible()
    mine.get_by_role("button", name="Save", exact=True).press("Enter")
    expect(mine.locator(".collision")).to_have_count(0)
    assert Grade.objects.get(pk=grades[0].pk).feedback.text == "Mine."
