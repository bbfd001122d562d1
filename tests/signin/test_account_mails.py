"""Whoever's way of logging in is changed gets a mail, and nobody for what is no change."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from gradingsite.signin.events import record
from gradingsite.signin.mails import account_change_send
from gradingsite.signin.models import AccountEvent, AccountEventKind
from tests.factories import PASSWORD
from tests.proof import log_in_now

pytestmark = pytest.mark.django_db


def told(capture: Any, act: Any) -> int:
    with patch("gradingsite.signin.mails.mail_account_change.delay") as sent, capture(execute=True):
        act()
    return sent.call_count


def test_the_owner_hears_of_a_reset(
    client: Client, admin: User, teacher: User, with_factor: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with_factor(teacher)
    log_in_now(client, admin)
    reset = reverse("factor_reset", args=[teacher.pk])
    assert told(django_capture_on_commit_callbacks, lambda: client.post(reset)) == 1
    account_change_send(event_id=AccountEvent.objects.get(kind="factor_reset").pk, language="en")
    (message,) = mail.outbox
    assert message.to == [teacher.email]
    assert "Second factor reset by an admin" in message.body
    assert "/accounts/password_reset/" in message.body


def test_the_owner_hears_of_a_new_password(
    client: Client, teacher: User, django_capture_on_commit_callbacks: Any
) -> None:
    client.force_login(teacher)
    form = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    change = reverse("password_change")
    assert told(django_capture_on_commit_callbacks, lambda: client.post(change, form)) == 1


@pytest.mark.parametrize("kind", ["signed_in", "wrong_password", "wrong_code", "locked", "sso_refused"])
def test_what_changes_nothing_is_no_mail(teacher: User, kind: str, django_capture_on_commit_callbacks: Any) -> None:
    happened = AccountEventKind(kind)
    act = lambda: record(happened, user=teacher, request=None)  # noqa: E731
    assert told(django_capture_on_commit_callbacks, act) == 0


def test_an_account_that_is_gone_meanwhile_is_no_error(teacher: User) -> None:
    account_change_send(event_id=4711, language="de")
    assert mail.outbox == []
