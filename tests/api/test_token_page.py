from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gradingsite.signin.models import AccountEvent, ApiToken
from gradingsite.signin.tokens import token_make
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/accounts/tokens/"


@pytest.fixture
def browser(teacher: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"username": teacher.email, "password": PASSWORD})
    return client


def test_a_new_token_is_shown_once_and_recorded(browser: Client, teacher: User) -> None:
    answer = browser.post(PAGE, {"name": "Timetable", "scope": "read"})
    shown = re.search(r"mgt_[\w-]{40,}", answer.content.decode())
    assert shown is not None
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client().get("/api/courses", headers={"authorization": f"Bearer {shown[0]}"}).status_code == 200
    assert shown[0] not in browser.get(PAGE).content.decode()
    assert AccountEvent.objects.filter(user=teacher, kind="token_made").count() == 1


def test_withdrawing_is_recorded(browser: Client, teacher: User) -> None:
    row, _token = token_make(user=teacher, name="Old", scope="read", expires_at=None, request=None)
    assert browser.post(f"{PAGE}{row.pk}/withdraw/").status_code == 302
    assert not ApiToken.objects.exists()
    assert AccountEvent.objects.filter(user=teacher, kind="token_withdrawn").count() == 1


def test_nobody_withdraws_anothers_token(browser: Client, outsider: User) -> None:
    row, _token = token_make(user=outsider, name="Theirs", scope="read", expires_at=None, request=None)
    assert browser.post(f"{PAGE}{row.pk}/withdraw/").status_code == 404
    assert ApiToken.objects.filter(pk=row.pk).exists()
    assert "Theirs" not in browser.get(PAGE).content.decode()


def test_an_old_session_has_to_give_the_password_again(teacher: User) -> None:
    client = Client()
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    answer = client.post(PAGE, {"name": "Timetable", "scope": "read"})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert not ApiToken.objects.exists()


def test_the_docs_page_names_every_operation(browser: Client) -> None:
    page = browser.get("/api/docs/").content.decode()
    paths = browser.get("/api/openapi.json").json()["paths"]
    assert len(paths) > 10
    assert [path for path in paths if path not in page] == []
