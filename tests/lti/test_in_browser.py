"""In Chromium, from a page of another site: what a browser really does with cookies, frames and policies."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.utils.timezone import now
from playwright.sync_api import Browser, Page

from courses.models import Assignment, Course
from gradingsite.lti.models import Platform, ResourceLink, Score
from tests.browser.test_accessibility import serious
from tests.factories import PASSWORD
from tests.lti.conftest import known_as
from tests.lti.platform import INSTRUCTOR, Person, Simulator
from tests.lti.test_courses import asks_for_a_link

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser) -> Any:
    with browser.new_context(locale="en-GB") as context:
        opened = context.new_page()
        yield opened


def course_page(page: Page, live_server: Any, simulator: Simulator, target: str = "_blank") -> None:
    """The platform is another site than the tool, as everywhere: 127.0.0.1 beside localhost."""
    page.goto(f"{simulator.issuer}/course?{urlencode({'tool': live_server.url, 'target': target})}")


def opened_window(page: Page, live_server: Any, simulator: Simulator) -> Page:
    course_page(page, live_server, simulator)
    with page.context.expect_page() as window:
        page.get_by_role("button", name="Open").click()
    window.value.wait_for_load_state()
    return window.value


def test_a_link_opens_the_assignment_in_a_new_window(
    page: Page, live_server: Any, simulator: Simulator, link: ResourceLink, student: User, platform: Platform
) -> None:
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada")
    window = opened_window(page, live_server, simulator)
    window.wait_for_url(f"**/assignments/{link.assignment_id}/")
    assert window.get_by_text("Ada Brandt").count()
    # And again, where a session and cookies are there already.
    again = opened_window(page, live_server, simulator)
    again.wait_for_url(f"**/assignments/{link.assignment_id}/")


def test_nothing_is_shown_inside_the_platforms_page(
    page: Page, live_server: Any, simulator: Simulator, link: ResourceLink, student: User, platform: Platform
) -> None:
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada")
    course_page(page, live_server, simulator, target="inside")
    with page.expect_request(lambda request: "/lti/launch/token/" in request.url):
        page.get_by_role("button", name="Open").click()
    page.wait_for_timeout(500)
    inside = page.frames[1]
    assert "Why is the sky blue?" not in inside.content()
    assert "Ada Brandt" not in inside.content()


def test_an_account_in_use_is_linked_once(
    page: Page, live_server: Any, simulator: Simulator, link: ResourceLink, student: User
) -> None:
    simulator.person = Person("s-ada", "ada@example.org", "Ada Brandt")
    window = opened_window(page, live_server, simulator)
    window.wait_for_url("**/lti/confirm/")
    assert serious(window) == []
    window.get_by_role("link", name="Log in", exact=True).click()
    window.fill("#id_username", "ada@example.org")
    window.fill("#id_password", PASSWORD)
    window.press("#id_password", "Enter")
    window.wait_for_url("**/lti/confirm/")
    assert serious(window) == []
    window.get_by_role("button", name="Link them").click()
    window.wait_for_url(f"**/assignments/{link.assignment_id}/")


def test_a_teacher_links_a_course_and_hands_an_assignment_back(
    page: Page,
    live_server: Any,
    simulator: Simulator,
    platform: Platform,
    teacher: User,
    course: Course,
    assignment: Assignment,
) -> None:
    known_as(platform, teacher, "s-teacher")
    simulator.person = Person("s-teacher", roles=[INSTRUCTOR])
    asks_for_a_link(simulator, f"{simulator.issuer}/deep-back")
    window = opened_window(page, live_server, simulator)
    window.wait_for_url("**/lti/contexts/*/")
    assert serious(window) == []
    window.select_option("#id_course", str(course.pk))
    window.get_by_role("button", name="Link").click()
    window.wait_for_url("**/lti/deep-link/")
    assert serious(window) == []
    window.select_option("#id_assignment", str(assignment.pk))
    window.get_by_role("button", name="Choose").click()
    with window.expect_request(f"{simulator.issuer}/deep-back") as sent:
        window.get_by_role("button", name="Back to Hill Moodle").click()
    assert "JWT=" in str(sent.value.post_data)


def test_the_admins_and_teachers_pages_can_be_used_by_everybody(
    page: Page, live_server: Any, platform: Platform, link: ResourceLink, admin: User, assignment: Assignment
) -> None:
    page.goto(f"{live_server.url}/accounts/login/")
    page.fill("#id_username", "admin@example.org")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url(f"{live_server.url}/")
    Platform.objects.update(refused_host="grades.example.org")
    Score.objects.create(link=link, student=admin, state="failed", trouble="refused", status=404, next_at=now())
    paths = [f"platforms/{rest}" for rest in ("", "new/", f"{platform.pk}/")]
    paths += [f"contexts/{link.context_id}/", f"contexts/{link.context_id}/members/", f"links/{link.pk}/"]
    found = []
    for path in [*paths, f"assignments/{assignment.pk}/scores/"]:
        page.goto(f"{live_server.url}/lti/{path}")
        found += serious(page)
        page.set_viewport_size({"width": 390, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        found += [f"{path} is wider than a phone"] if wide else []
        page.set_viewport_size({"width": 1280, "height": 800})
    assert found == []
