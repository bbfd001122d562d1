"""Hostile markup in every text, looked at in Chromium on every page: no script runs, and none is even held back by the
content security policy, for then it would have got into the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from courses.models import Assignment
from grading.models import Grade, GradeEvent
from tests.access_table import GET, address
from tests.browser.poison import PAYLOADS, poison
from tests.browser.visits import NO_PAGE
from tests.everybody import make_people, make_rows
from tests.factories import CriterionFactory, LevelFactory, RubricFactory

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
# Chromium says of each violation what it held back; this is what a report endpoint would be sent.
REPORTS = """document.addEventListener('securitypolicyviolation',
    event => console.error('CSP ' + event.violatedDirective + ' ' + event.blockedURI + ' ' + event.sample))"""
GOT_IN = """document.querySelectorAll(
    '[onerror], [onload], img[src=x], .poison, a[href^="javascript:"], main script').length"""


@pytest.fixture
def people(transactional_db: None) -> dict[str, User]:
    return make_people()


@pytest.fixture
def rows(people: dict[str, User]) -> dict[str, int]:
    return make_rows(people)


@pytest.fixture
def rubric(rows: dict[str, int]) -> Assignment:
    assignment = Assignment.objects.get(pk=rows["assignment"])
    rubric = RubricFactory(assignment=assignment)
    for _ in range(2):
        LevelFactory(criterion=CriterionFactory(rubric=rubric))
    return assignment


@pytest.fixture
def found() -> list[str]:
    return []


@pytest.fixture
def open_as(live_server: Any, browser: Browser, found: list[str]) -> Iterator[Callable[[User], Page]]:
    contexts = []

    def page_of(user: User) -> Page:
        client = Client()
        client.force_login(user, backend="gradingsite.accounts.EmailBackend")
        context = browser.new_context(locale="en-GB", base_url=live_server.url)
        contexts.append(context)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        context.add_init_script(REPORTS)
        page = context.new_page()
        page.on(
            "dialog", lambda dialog: (found.append(f"{page.url}: a script ran: {dialog.message}"), dialog.dismiss())
        )
        page.on("console", lambda said: found.append(f"{page.url}: {said.text}") if "CSP" in said.text else None)
        return page

    yield page_of
    for context in contexts:
        context.close()


def looked_at(page: Page, path: str, found: list[str]) -> None:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    if got_in := page.evaluate(GOT_IN):
        found.append(f"{path}: {got_in} elements got in")


def test_what_gets_in_is_seen(open_as: Callable[[User], Page], admin: User, found: list[str]) -> None:
    page = open_as(admin)
    page.goto("/")
    page.evaluate(f"document.querySelector('main').innerHTML = {PAYLOADS[0]!r}")
    page.wait_for_timeout(500)
    assert page.evaluate(GOT_IN) >= 2
    assert any("CSP script-src" in report for report in found), found


@pytest.mark.parametrize("role", ["admin", "teacher", "student"])
def test_no_text_becomes_markup_on_any_page(
    role: str,
    rubric: Assignment,
    rows: dict[str, Any],
    people: dict[str, User],
    open_as: Callable[[User], Page],
    found: list[str],
) -> None:
    for grade in Grade.objects.all():
        GradeEvent.objects.create(grade=grade, action="proposed", note="x")
    Grade.objects.filter(state="released").update(released_at=timezone.now())
    assert poison() > 60
    page, seen = open_as(people[role]), 0
    for name, (kind, allowed) in GET.items():
        if role in allowed and NO_PAGE.get(name) not in ("a file", "JSON for the desk", "leads on to a paper"):
            looked_at(page, address(name, kind, rows), found)
            seen += 1
    assert found == [], "\n".join(found)
    assert seen > 5


def test_names_of_files_that_are_uploaded_stay_names(
    rows: dict[str, Any], people: dict[str, User], open_as: Callable[[User], Page], found: list[str]
) -> None:
    page = open_as(people["teacher"])
    page.goto(address("courses:upload_files", "assignment", rows))
    bodies = {
        "<img src=x onerror=alert(1)>.txt": b"A",
        '"><svg onload=alert(1)>.pdf': b"%PDF-1.4",
        "<b class=poison>.zip": b"PK\x03\x04",
    }
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": body} for name, body in bodies.items()]
    )
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_load_state("networkidle")
    assert page.get_by_text("onerror=alert(1)").count() > 0
    assert page.evaluate(GOT_IN) == 0
    assert found == []
