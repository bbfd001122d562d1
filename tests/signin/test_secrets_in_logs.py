"""What nobody may read in a log: passwords, codes, tokens, links. All ways to log in, with the log open wide."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD
from tests.signin.codes import SECRET, code, wrong_code
from tests.signin.provider import SECRET as CLIENT_SECRET
from tests.signin.provider import Provider
from tests.signin.test_sso import sign_on

pytestmark = pytest.mark.django_db
WRONG = "a-wrong-password-of-somebody"
# Their own debugging, switched on by nobody here; at INFO they are as quiet as in a deployment.
LIBRARIES = ("urllib3", "django.db.backends", "django.template", "asyncio")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in LIBRARIES:
            caplog.set_level(logging.INFO, logger=name)
        yield caplog


def all_of(caplog: pytest.LogCaptureFixture) -> str:
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {record.__dict__}" for record in caplog.records)


def test_passwords_and_codes_never_reach_the_log(
    client: Client, teacher: User, with_factor: Any, log_in: Any, lines: pytest.LogCaptureFixture
) -> None:
    recovery = with_factor(teacher)
    log_in(client, teacher, WRONG)
    log_in(client, teacher)
    client.post(reverse("mfa_authenticate"), {"code": (wrong := wrong_code())})
    client.post(reverse("mfa_authenticate"), {"code": (right := code())})
    client.post(reverse("password_change"), {"old_password": WRONG, "new_password1": "n-1-x-y", "new_password2": "z"})
    client.post(reverse("password_reset"), {"email": teacher.email})
    link = re.search(r"/accounts/reset/\S+/(\S+)/", str(mail.outbox[-1].body))
    assert link is not None
    client.get(link[0])
    text = all_of(lines)
    assert "wrong_password" in text  # the log was open
    for secret in (PASSWORD, WRONG, wrong, right, SECRET, *recovery, "n-1-x-y", link[1]):
        assert secret not in text


def test_a_crash_while_logging_in_tells_no_password(
    teacher: User, log_in: Any, lines: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("gradingsite.signin.views.perform_password_login", crash)
    answer = log_in(Client(raise_request_exception=False), teacher)
    assert answer.status_code == 500
    text = "\n".join(logging.Formatter().format(record) for record in lines.records)
    assert "the disk is full" in text
    assert PASSWORD not in text


@pytest.mark.parametrize("twist", ["", "other_key", "no_id_token"])
def test_nothing_of_a_sign_on_reaches_the_log(
    provider: Provider, teacher: User, lines: pytest.LogCaptureFixture, twist: str
) -> None:
    provider.is_about("teacher@example.org")
    provider.twists |= {twist} - {""}
    sign_on(Client())
    text = "\n".join(logging.Formatter().format(record) for record in lines.records)
    assert len(provider.handed_out) == 3
    for secret in (CLIENT_SECRET, *provider.handed_out):
        assert secret not in text
