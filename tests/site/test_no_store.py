"""What somebody who is logged in was shown stays in no cache: neither in the browser's nor in one on the way."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.access_table import GET, OPEN, address
from tests.everybody import _uploads_go_away, everybody, people, rows
from tests.proof import log_in_now

__all__ = ["_uploads_go_away", "everybody", "people", "rows"]  # fixtures

pytestmark = pytest.mark.django_db
FIRST = ("student", "teacher", "admin")


@pytest.mark.slow
@pytest.mark.parametrize("name", GET)
def test_every_page_and_file_says_that_it_is_not_to_be_kept(
    name: str, people: dict[str, User], rows: dict[str, int]
) -> None:
    kind, allowed = GET[name]
    client = log_in_now(Client(), people[next(role for role in FIRST if role in allowed)])
    answer = client.get(address(name, kind, rows))
    assert answer.status_code < 400
    assert {"no-store", "private"} <= set(answer.headers["Cache-Control"].replace(" ", "").split(","))


@pytest.mark.parametrize("name", ["tokens", "sessions", "mfa_index", "password_change", "grading:my_data"])
def test_so_do_the_pages_of_ones_own_account(client: Client, student: User, name: str) -> None:
    assert name in OPEN
    log_in_now(client, student)
    assert "no-store" in client.get(reverse(name)).headers["Cache-Control"]


def test_refusals_and_the_answer_to_logging_in_and_out_do_as_well(client: Client, student: User, admin: User) -> None:
    log_in_now(client, student)
    assert "no-store" in client.get("/courses/999999/").headers["Cache-Control"]
    assert "no-store" in client.get(reverse("grading:people")).headers["Cache-Control"]
    assert "no-store" in client.post(reverse("logout")).headers["Cache-Control"]


def test_the_words_of_the_scripts_may_be_kept_for_they_are_everybodys(client: Client, student: User) -> None:
    log_in_now(client, student)
    assert "no-store" not in client.get(reverse("javascript-catalog")).headers.get("Cache-Control", "")
