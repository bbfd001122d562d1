"""REQUIRE_STAFF_TWO_FACTOR: staff are led to set it up before anything else; students never are."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Course
from tests.signin.codes import code

pytestmark = pytest.mark.django_db
ON = reverse("mfa_activate_totp")


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.REQUIRE_STAFF_TWO_FACTOR = True


@pytest.mark.parametrize("who", ["admin", "teacher", "assistant"])
@pytest.mark.parametrize("page", ["/", "/courses/", "/accounts/password_change/", "/site-admin/"])
def test_staff_see_no_other_page_first(
    client: Client, request: pytest.FixtureRequest, log_in: Any, who: str, page: str
) -> None:
    log_in(client, request.getfixturevalue(who))
    answer = client.get(page)
    assert (answer.status_code, answer.headers.get("Location")) == (302, ON)


def test_a_fragment_leads_the_whole_page(client: Client, teacher: User, course: Course, log_in: Any) -> None:
    log_in(client, teacher)
    answer = client.get(reverse("courses:course", args=[course.pk]), headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, ON)


def test_after_that_all_is_open_and_it_cannot_be_switched_off(client: Client, teacher: User, log_in: Any) -> None:
    log_in(client, teacher)
    client.get(ON)
    assert client.post(ON, {"code": code(client.session["mfa.totp.secret"])}).status_code == 302
    assert client.get("/courses/").status_code == 200
    page = client.get(reverse("mfa_index")).content.decode()
    assert reverse("mfa_deactivate_totp") not in page
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 200
    assert client.get("/courses/").status_code == 200


def test_the_way_out_stays_open(client: Client, teacher: User, log_in: Any) -> None:
    log_in(client, teacher)
    assert client.post(reverse("logout")).headers["Location"] == "/"
    assert "_auth_user_id" not in client.session


def test_students_are_not_asked(client: Client, student: User, log_in: Any) -> None:
    log_in(client, student)
    assert client.get("/courses/").status_code == 200


def test_who_becomes_staff_is_asked_from_then_on(client: Client, student: User, course: Course, log_in: Any) -> None:
    log_in(client, student)
    course.memberships.filter(user=student).update(role="assistant")
    assert client.get("/courses/").headers["Location"] == ON


def test_nobody_is_led_anywhere_where_it_is_not_required(
    client: Client, teacher: User, log_in: Any, settings: Any
) -> None:
    settings.REQUIRE_STAFF_TWO_FACTOR = False
    log_in(client, teacher)
    assert client.get("/courses/").status_code == 200
