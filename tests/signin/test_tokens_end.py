"""API tokens end with what they were made under: a password, open sessions, an open account. They do not come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from gradingsite.signin.models import AccountEvent
from gradingsite.signin.tokens import token_known, token_make
from tests.factories import PASSWORD
from tests.proof import log_in_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(teacher: User) -> str:
    return token_make(user=teacher, name="Script", scope="write", expires_at=None, request=None)[1]


def change_password(teacher: User, admin: User) -> None:
    new = "quite another one, long"
    typed = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert log_in_now(Client(), teacher).post(reverse("password_change"), typed).status_code == 302


def end_other_sessions(teacher: User, admin: User) -> None:
    assert log_in_now(Client(), teacher).post(reverse("sessions_end_others")).status_code == 302


def admin_ends_sessions(teacher: User, admin: User) -> None:
    assert log_in_now(Client(), admin).post(reverse("person_sessions_end", args=[teacher.pk])).status_code == 302


def deactivate_and_activate(teacher: User, admin: User) -> None:
    for active in (False, True):
        teacher.is_active = active
        teacher.save()


@pytest.mark.parametrize(
    "act", [change_password, end_other_sessions, admin_ends_sessions, deactivate_and_activate], ids=lambda f: f.__name__
)
def test_a_token_ends_for_good(act: Callable[[User, User], None], token: str, teacher: User, admin: User) -> None:
    assert token_known(token) is not None
    act(teacher, admin)
    assert token_known(token) is None
    assert AccountEvent.objects.filter(user=teacher, kind="token_withdrawn").count() == 1


def test_saving_an_account_that_stays_open_ends_nothing(token: str, teacher: User) -> None:
    teacher.first_name = "Mira"
    teacher.save()
    assert token_known(token) is not None


def test_an_account_that_begins_closed_has_nothing_to_end(django_assert_num_queries: Any) -> None:
    """Finding somebody's sessions reads all that are open, so it is not done for an account that never had one."""
    with django_assert_num_queries(1):
        User.objects.create(username="stand-in", is_active=False)


def test_an_admin_sees_them_on_the_persons_page(token: str, teacher: User, admin: User) -> None:
    page = log_in_now(Client(), admin).get(reverse("grading:person", args=[teacher.pk])).content.decode()
    assert "Script" in page
    assert token[:8] in page
    assert token not in page
