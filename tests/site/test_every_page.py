"""What every page that somebody sees who is logged in has: the way out, its letters; and it answers no TRACE."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.access_table import GET, address
from tests.everybody import _uploads_go_away, everybody, people, rows
from tests.proof import log_in_now

__all__ = ["_uploads_go_away", "everybody", "people", "rows"]  # fixtures

pytestmark = pytest.mark.django_db
FIRST = ("student", "teacher", "admin")


@pytest.mark.slow
@pytest.mark.parametrize("name", GET)
def test_a_page_has_the_way_out_and_says_its_letters(name: str, people: dict[str, User], rows: dict[str, int]) -> None:
    kind, allowed = GET[name]
    client = log_in_now(Client(), people[next(role for role in FIRST if role in allowed)])
    url = address(name, kind, rows)
    answer = client.get(url)
    assert answer.status_code == 302 or answer.headers["Content-Type"]
    if answer.headers.get("Content-Type", "").startswith("text/"):
        assert "charset=utf-8" in answer.headers["Content-Type"]
    if not answer.streaming and b"<html" in answer.content:
        assert f'action="{reverse("logout")}"' in answer.content.decode()
    assert client.trace(url).status_code == 405


def test_no_address_at_all_answers_trace(client: Client) -> None:
    for url in ("/", "/site-admin/", "/nothing-here/", "/healthz", "/api/courses"):
        assert client.trace(url).status_code == 405
