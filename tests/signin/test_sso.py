"""Single sign-on against a provider over HTTP: who is let in as whom, and what is refused."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from gradingsite.signin.models import AccountEvent
from tests.factories import UserFactory
from tests.proof import log_in_now
from tests.signin.codes import code
from tests.signin.provider import Provider

pytestmark = pytest.mark.django_db
START = reverse("sso_start")
Known = Callable[[Client], bool]


def to_provider(client: Client, **form: str) -> str:
    """The address at the provider that the button leads to."""
    page = client.post(START, form)
    assert page.status_code == 200, page.status_code
    return html.unescape(re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())[1])  # type: ignore[index]


def back(client: Client, target: str) -> Any:
    """Through the provider and back with what it says."""
    answer = requests.get(target, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    return client.get(answer.headers["Location"].removeprefix("http://testserver"))


def sign_on(client: Client, **form: str) -> Any:
    return back(client, to_provider(client, **form))


def test_there_is_no_button_and_no_door_without_a_provider(client: Client) -> None:
    assert START not in client.get("/accounts/login/").content.decode()
    assert client.post(START).status_code == 404
    assert client.get(reverse("sso_callback"), {"code": "x", "state": "y"}).status_code == 404


def test_the_button_names_the_provider(client: Client, provider: Provider) -> None:
    assert "Log in with Hill School" in client.get("/accounts/login/").content.decode()


def test_who_has_an_account_is_logged_in_with_a_confirmed_address(
    client: Client, provider: Provider, teacher: User, is_in: Known, on_record: Any
) -> None:
    provider.is_about("Teacher@Example.org")
    assert sign_on(client, next="/courses/new/").headers["Location"] == "/courses/new/"
    assert client.session["_auth_user_id"] == str(teacher.pk)
    assert on_record(teacher) == ["sso_linked", "signed_in"]
    assert AccountEvent.objects.get(kind="signed_in").how == "sso"
    assert [path for path in provider.asked if "well-known" not in path] == [
        "/authorize",
        "/token",
        "/jwks",
        "/userinfo",
    ]
    teacher.refresh_from_db()
    assert teacher.has_usable_password()


def test_nothing_is_kept_but_the_link(client: Client, provider: Provider, teacher: User) -> None:
    provider.is_about("teacher@example.org", birthdate="1980-01-01")
    for _ in range(2):
        sign_on(Client())
    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()
    assert "1980-01-01" not in str(list(SocialAccount.objects.values()))


def test_later_the_person_counts_and_not_the_address(client: Client, provider: Provider, teacher: User) -> None:
    provider.is_about("teacher@example.org", sub="s-1")
    sign_on(client)
    provider.is_about("married@example.org", sub="s-1")
    renamed = Client()
    sign_on(renamed)
    assert renamed.session["_auth_user_id"] == str(teacher.pk)
    # The address went to somebody else at the provider: not into the old one's account.
    provider.is_about("teacher@example.org", sub="s-2")
    newcomer = Client()
    answer = sign_on(newcomer)
    assert answer.status_code == 403
    assert "linked to another person" in answer.content.decode()
    assert "_auth_user_id" not in newcomer.session


def test_an_admin_unlinks_and_the_next_one_is_linked(
    client: Client, provider: Provider, teacher: User, admin: User, on_record: Any
) -> None:
    provider.is_about("teacher@example.org", sub="s-1")
    sign_on(client)
    office = log_in_now(Client(), admin)
    office.post(reverse("sso_unlink", args=[teacher.pk]))
    assert AccountEvent.objects.get(kind="sso_unlinked").by == admin
    provider.is_about("teacher@example.org", sub="s-2")
    sign_on(Client())
    assert SocialAccount.objects.get().uid == "s-2"


def test_nobody_without_an_account_is_let_in(client: Client, provider: Provider, is_in: Known) -> None:
    provider.is_about("stranger@example.org")
    answer = sign_on(client)
    assert answer.status_code == 403
    assert "no account with your address stranger@example.org" in answer.content.decode()
    assert not is_in(client)
    assert not User.objects.exists()
    assert AccountEvent.objects.get().kind == "sso_refused"


def test_accounts_are_made_where_the_site_says_so(
    client: Client, provider: Provider, settings: Any, is_in: Known
) -> None:
    settings.OIDC_CREATE_ACCOUNTS = True
    provider.is_about("New@example.org", name="Ada Brandt")
    sign_on(client)
    user = User.objects.get()
    assert is_in(client)
    assert (user.username, user.first_name, user.last_name) == ("new@example.org", "Ada", "Brandt")
    assert not user.has_usable_password()
    assert (user.is_staff, user.is_superuser, user.memberships.count()) == (False, False, 0)


@pytest.mark.parametrize("verified", [False, None, "false", 0, "", "no"])
@pytest.mark.parametrize("create", [False, True])
def test_an_address_that_nobody_vouches_for_is_refused(
    client: Client, provider: Provider, teacher: User, settings: Any, is_in: Known, verified: Any, create: bool
) -> None:
    settings.OIDC_CREATE_ACCOUNTS = create
    provider.is_about("teacher@example.org", verified=verified)
    answer = sign_on(client)
    assert answer.status_code == 403
    assert "no confirmed e-mail address" in answer.content.decode()
    assert not is_in(client)
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("email", "trusted"), [("not-an-address", True), ("", True), (None, True), (["teacher@example.org"], True)]
)
def test_what_is_no_address_is_refused(
    client: Client, provider: Provider, settings: Any, is_in: Known, email: Any, trusted: bool
) -> None:
    settings.OIDC_TRUST_EMAIL, settings.OIDC_CREATE_ACCOUNTS = trusted, True
    provider.is_about(email)
    assert sign_on(client).status_code == 403
    assert not is_in(client)


@pytest.mark.parametrize("email", ["\N{LATIN SMALL LETTER LONG S}am@example.org", "\N{KELVIN SIGN}im@example.org"])
def test_a_letter_that_only_looks_or_folds_alike_is_another_person(
    client: Client, provider: Provider, is_in: Known, email: str
) -> None:
    for name in ("sam@example.org", "kim@example.org"):
        UserFactory(email=name)
    provider.is_about(email)
    assert sign_on(client).status_code == 403
    assert not is_in(client)


def test_another_claim_can_hold_the_address_where_the_provider_is_trusted_with_it(
    client: Client, provider: Provider, teacher: User, settings: Any, is_in: Known
) -> None:
    settings.OIDC_EMAIL_CLAIM = "upn"
    provider.is_about("other@example.org", upn="teacher@example.org")
    assert sign_on(client).status_code == 403  # email_verified speaks of `email`, not of this claim
    settings.OIDC_TRUST_EMAIL = True
    sign_on(client)
    assert client.session["_auth_user_id"] == str(teacher.pk)


def test_a_deactivated_account_stays_shut(
    client: Client, provider: Provider, teacher: User, is_in: Known, on_record: Any
) -> None:
    provider.is_about("teacher@example.org")
    sign_on(Client())
    for linked in (True, False):
        User.objects.update(is_active=False)
        if not linked:
            SocialAccount.objects.all().delete()
        answer = sign_on(client)
        assert answer.headers["Location"] == reverse("account_inactive")
        assert "deactivated" in client.get(answer.headers["Location"]).content.decode()
        assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert on_record(teacher)[-1] == "inactive"


def test_the_second_factor_is_asked_after_it_too(
    client: Client, provider: Provider, teacher: User, with_factor: Any, is_in: Known
) -> None:
    with_factor(teacher)
    provider.is_about("teacher@example.org")
    assert sign_on(client).headers["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert is_in(client)
    assert AccountEvent.objects.get(kind="signed_in").how == "sso+totp"


@pytest.mark.parametrize(
    "twist",
    [
        "other_audience",
        "too_old",
        "other_key",
        "unsigned",
        "shared_secret",
        "leads_elsewhere",
        "no_id_token",
        "other_issuer",
        "half_a_discovery",
        "odd_userinfo",
        "denied",
        "down",
    ],
)
def test_a_provider_that_answers_otherwise_than_the_standard_lets_nobody_in(
    client: Client, provider: Provider, teacher: User, is_in: Known, twist: str
) -> None:
    provider.is_about("teacher@example.org")
    target = to_provider(client)
    provider.twists.add(twist)
    if twist == "down":
        state = parse_qs(urlsplit(target).query)["state"][0]
        answer = client.get(reverse("sso_callback"), {"code": "x", "state": state})
    else:
        answer = back(client, target)
    assert answer.status_code == 403
    assert "Single sign-on did not work" in answer.content.decode()
    assert not is_in(client)
    assert not SocialAccount.objects.exists()
    assert "/elsewhere" not in provider.asked


@pytest.mark.parametrize("twist", ["down", "other_issuer", "half_a_discovery"])
def test_a_provider_that_is_away_is_said_in_words(client: Client, provider: Provider, twist: str) -> None:
    provider.twists.add(twist)
    answer = client.post(START)
    assert answer.status_code == 403
    assert "Single sign-on did not work" in answer.content.decode()


def test_userinfo_about_somebody_else_is_refused(
    client: Client, provider: Provider, teacher: User, is_in: Known
) -> None:
    provider.is_about("teacher@example.org")
    provider.userinfo["sub"] = "somebody-else"
    assert sign_on(client).status_code == 403
    assert not is_in(client)


def test_an_answer_is_taken_only_by_the_browser_that_asked_and_only_once(
    client: Client, provider: Provider, teacher: User, is_in: Known
) -> None:
    provider.is_about("teacher@example.org")
    answer = requests.get(to_provider(client), allow_redirects=False, timeout=5)
    path = answer.headers["Location"].removeprefix("http://testserver")
    victim = Client()
    assert victim.get(path).status_code == 403
    assert not is_in(victim)
    assert client.get(path).status_code == 302
    assert is_in(client)
    client.post(reverse("logout"))
    assert client.get(path).status_code == 403
    assert not is_in(client)


def test_another_site_cannot_send_people_through_it(provider: Provider) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.get(START).status_code == 405
    assert strict.post(START).status_code == 403


def test_it_leads_to_no_other_site_afterwards(client: Client, provider: Provider, teacher: User) -> None:
    provider.is_about("teacher@example.org")
    assert sign_on(client, next="https://elsewhere.example/").headers["Location"] == "/"


def test_a_request_cannot_change_what_is_asked_of_the_provider(client: Client, provider: Provider) -> None:
    page = client.post(f"{START}?scope=admin&auth_params=prompt%3Dnone&process=connect").content.decode()
    asked = parse_qs(urlsplit(html.unescape(re.search(r"0;url=([^\"]+)\"", page)[1])).query)  # type: ignore[index]
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked
    assert asked["redirect_uri"] == ["http://testserver/accounts/sso/callback/"]


@pytest.mark.parametrize(
    "name",
    [
        "account_signup",
        "account_email",
        "account_logout",
        "account_set_password",
        "account_reset_password",
        "account_confirm_email",
        "socialaccount_connections",
        "socialaccount_signup",
        "mfa_download_recovery_codes",
        "mfa_add_webauthn",
        "openid_connect_login",
        "openid_connect_callback",
    ],
)
def test_what_is_not_needed_of_allauth_has_no_address(name: str) -> None:
    for arguments in ([], ["x"]):
        with pytest.raises(NoReverseMatch):
            reverse(name, args=arguments)
