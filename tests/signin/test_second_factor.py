"""The second factor: switched on with a code, asked at every log-in, taken once, reset by an admin only."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from gradingsite.signin.adapters import SecondFactorAdapter
from gradingsite.signin.models import AccountEvent
from tests.factories import PASSWORD
from tests.proof import log_in_now
from tests.signin.codes import SECRET, code, wrong_code

pytestmark = pytest.mark.django_db
ON, OFF, CODES = reverse("mfa_activate_totp"), reverse("mfa_deactivate_totp"), reverse("mfa_view_recovery_codes")
ASKED = reverse("mfa_authenticate")
Known = Callable[[Client], bool]


def test_it_is_switched_on_with_a_code_of_the_app_and_the_codes_are_shown_once(
    client: Client, teacher: User, log_in: Any, on_record: Any, django_capture_on_commit_callbacks: Any
) -> None:
    log_in(client, teacher)
    page = client.get(ON).content.decode()
    secret = re.search(r'<code class="secret">(\w+)</code>', page)[1]  # type: ignore[index]
    picture = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', page)[1]  # type: ignore[index]
    assert b"<svg" in base64.b64decode(picture)
    assert client.post(ON, {"code": wrong_code(secret)}).status_code == 200
    assert not Authenticator.objects.exists()
    # The secret stays the same after a wrong code: the app has it already.
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(ON, {"code": code(secret)}, follow=True)
    shown = re.findall(r"<code>(\d{8})</code>", answer.content.decode())
    assert len(set(shown)) == 10
    second = client.get(CODES).content.decode()
    assert not [shown_before for shown_before in shown if shown_before in second]
    assert on_record(teacher) == ["signed_in", "factor_on"]


def test_the_answers_with_secrets_are_kept_by_no_cache(client: Client, teacher: User, log_in: Any) -> None:
    log_in(client, teacher)
    assert "no-store" in client.get(ON).headers["Cache-Control"]
    client.post(ON, {"code": code(client.session["mfa.totp.secret"])})
    assert "no-store" in client.get(CODES).headers["Cache-Control"]


def test_the_secret_lies_in_the_database_under_lock(teacher: User, with_factor: Any) -> None:
    with_factor(teacher)
    row = Authenticator.objects.get(user=teacher, type="totp")
    assert SECRET not in str(row.data)
    assert SecondFactorAdapter().decrypt(row.data["secret"]) == SECRET


def test_another_secret_key_opens_nothing_and_breaks_nothing(
    client: Client, teacher: User, with_factor: Any, log_in: Any, settings: Any, is_in: Known
) -> None:
    recovery = with_factor(teacher)
    settings.SECRET_KEY = "another-one-than-before-" * 3
    log_in(client, teacher)
    for attempt in (code(), recovery[0]):
        assert client.post(ASKED, {"code": attempt}).status_code == 200
    assert not is_in(client)


def test_the_password_alone_opens_nothing_any_more(
    client: Client, teacher: User, with_factor: Any, log_in: Any, is_in: Known, on_record: Any
) -> None:
    with_factor(teacher)
    assert log_in(client, teacher).headers["Location"] == ASKED
    assert not is_in(client)
    assert client.get("/courses/").status_code == 302
    assert client.post(ASKED, {"code": wrong_code()}).status_code == 200
    assert not is_in(client)
    assert client.post(ASKED, {"code": code()}).status_code == 302
    assert is_in(client)
    assert on_record(teacher) == ["wrong_code", "signed_in"]
    assert AccountEvent.objects.get(kind="signed_in").how == "password+totp"


def test_where_one_wanted_to_go_is_kept_across_both_steps(client: Client, teacher: User, with_factor: Any) -> None:
    with_factor(teacher)
    form = {"username": teacher.username, "password": PASSWORD, "next": "/courses/new/"}
    client.post("/accounts/login/", form)
    assert client.post(ASKED, {"code": code()}).headers["Location"] == "/courses/new/"


def test_no_address_of_another_site_is_gone_to(client: Client, teacher: User, with_factor: Any) -> None:
    with_factor(teacher)
    form = {"username": teacher.username, "password": PASSWORD, "next": "https://elsewhere.example/"}
    client.post("/accounts/login/", form)
    assert client.post(ASKED, {"code": code()}).headers["Location"] == "/"


def test_the_step_cannot_be_reached_without_the_password(client: Client, teacher: User, with_factor: Any) -> None:
    with_factor(teacher)
    assert client.get(ASKED).headers["Location"] == "/accounts/login/"
    assert client.post(ASKED, {"code": code()}).headers["Location"] == "/accounts/login/"


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_code_is_taken_once_for_as_long_as_it_would_fit(
    client: Client, teacher: User, with_factor: Any, log_in: Any, is_in: Known, steps: int, monkeypatch: Any
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    with_factor(teacher)
    used = code(steps=steps)
    log_in(client, teacher)
    assert client.post(ASKED, {"code": used}).status_code == 302
    second = Client()
    log_in(second, teacher)
    second.post(ASKED, {"code": used})
    assert not is_in(second)


def test_a_recovery_code_works_once(client: Client, teacher: User, with_factor: Any, log_in: Any, is_in: Known) -> None:
    spare = with_factor(teacher)[3]
    log_in(client, teacher)
    client.post(ASKED, {"code": spare})
    assert is_in(client)
    second = Client()
    log_in(second, teacher)
    assert second.post(ASKED, {"code": spare}).status_code == 200
    assert not is_in(second)
    assert AccountEvent.objects.get(kind="signed_in").how == "password+recovery_codes"


def test_five_wrong_codes_close_the_step_also_for_the_right_one_and_from_elsewhere(
    client: Client, teacher: User, with_factor: Any, log_in: Any, is_in: Known
) -> None:
    with_factor(teacher)
    log_in(client, teacher)
    for _ in range(5):
        client.post(ASKED, {"code": wrong_code()})
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    log_in(elsewhere, teacher)
    for visitor in (client, elsewhere):
        assert visitor.post(ASKED, {"code": code()}).status_code == 200
        assert not is_in(visitor)


def test_new_recovery_codes_end_the_old_ones(client: Client, teacher: User, with_factor: Any, log_in: Any) -> None:
    old = with_factor(teacher)
    log_in(client, teacher)
    client.post(ASKED, {"code": code()})
    page = client.post(reverse("mfa_generate_recovery_codes"), follow=True).content.decode()
    new = re.findall(r"<code>(\d{8})</code>", page)
    assert len(new) == 10
    assert not set(new) & set(old)
    second = Client()
    log_in(second, teacher)
    assert second.post(ASKED, {"code": old[0]}).status_code == 200


def test_it_is_switched_off_by_its_owner_who_shows_again_who_they_are(
    client: Client, teacher: User, with_factor: Any, log_in: Any, on_record: Any
) -> None:
    with_factor(teacher)
    log_in(client, teacher)
    client.post(ASKED, {"code": code()})
    session = client.session
    records = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**row, "at": row["at"] - 3600} for row in records]
    session.save()
    again = reverse("account_reauthenticate")
    assert client.post(OFF).headers["Location"].startswith(again)
    assert Authenticator.objects.filter(user=teacher).count() == 2
    assert client.post(f"{again}?next={OFF}", {"password": "wrong"}).status_code == 200
    assert Authenticator.objects.filter(user=teacher).count() == 2
    client.post(f"{again}?next={OFF}", {"password": PASSWORD}, follow=True)
    client.post(OFF)
    assert not Authenticator.objects.filter(user=teacher).exists()
    assert "factor_off" in on_record(teacher)


def test_an_admin_resets_it_and_that_is_on_record(
    client: Client, admin: User, teacher: User, with_factor: Any, log_in: Any, is_in: Known
) -> None:
    with_factor(teacher)
    log_in_now(client, admin)
    client.post(reverse("factor_reset", args=[teacher.pk]))
    line = AccountEvent.objects.get(kind="factor_reset")
    assert (line.user, line.by) == (teacher, admin)
    assert "reset by an admin" in client.get(reverse("grading:person", args=[teacher.pk])).content.decode()
    fresh = Client()
    log_in(fresh, teacher)
    assert is_in(fresh)


def test_the_admins_own_login_is_no_way_around_it(client: Client, admin: User, with_factor: Any) -> None:
    User.objects.filter(pk=admin.pk).update(is_superuser=True)
    with_factor(admin)
    answer = client.post(
        "/site-admin/login/", {"username": admin.username, "password": PASSWORD, "next": "/site-admin/"}
    )
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert client.get("/site-admin/").status_code == 302


def test_a_new_password_by_mail_is_no_way_around_it(
    client: Client, teacher: User, with_factor: Any, log_in: Any, is_in: Known
) -> None:
    from courses.services.invitations import set_password_link

    with_factor(teacher)
    form = client.get(set_password_link(teacher)).headers["Location"]
    client.post(form, {"new_password1": "quite another one", "new_password2": "quite another one"})
    assert not is_in(client)
    assert log_in(client, teacher, "quite another one").headers["Location"] == ASKED
    assert not is_in(client)
