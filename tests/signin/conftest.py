from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.test import Client

from gradingsite.signin.models import AccountEvent
from tests.factories import PASSWORD
from tests.signin.codes import SECRET as TOTP_SECRET
from tests.signin.provider import CLIENT, SECRET, Provider, running_provider

LogIn = Callable[..., Any]


@pytest.fixture(scope="session")
def _provider_of_the_session() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(_provider_of_the_session: Provider, settings: Any) -> Provider:
    """A provider that the site is set up for, as the environment would."""
    found = _provider_of_the_session
    for kept in (found.twists, found.userinfo, found.asked, found.grants, found.handed_out):
        kept.clear()
    app = {
        "provider_id": "school",
        "name": "Hill School",
        "client_id": CLIENT,
        "secret": SECRET,
        "settings": {"server_url": found.issuer},
    }
    settings.OIDC_ISSUER = found.issuer
    settings.OIDC_BUTTON = "Hill School"
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"provider_class": "gradingsite.signin.provider.SchoolProvider", "APPS": [app]}
    }
    return found


@pytest.fixture
def with_factor() -> Callable[[User], list[str]]:
    """Switch a second factor on without the pages; the recovery codes."""

    def switch_on(user: User) -> list[str]:
        TOTP.activate(user, TOTP_SECRET)
        codes = RecoveryCodes.activate(user)
        assert Authenticator.objects.filter(user=user).count() == 2
        return codes.generate_codes()

    return switch_on


@pytest.fixture
def log_in() -> LogIn:
    def post(client: Client, user: User, password: str = PASSWORD, **more: Any) -> Any:
        return client.post("/accounts/login/", {"username": user.username, "password": password}, **more)

    return post


def kinds(user: User) -> list[str]:
    """What is on record about somebody, oldest first."""
    return list(AccountEvent.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def on_record() -> Callable[[User], list[str]]:
    return kinds


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.fixture
def is_in() -> Callable[[Client], bool]:
    return signed_in
