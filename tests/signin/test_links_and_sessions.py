"""Links for passwords (single use, an end, nothing told), sessions (flags, age, end), and the record of it all."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from courses.services.invitations import set_password_link
from courses.tasks import mail_password_link
from gradingsite.signin.events import network_of
from gradingsite.signin.models import AccountEvent, AccountEventKind, Appended
from gradingsite.signin.tasks import forget_old_lines
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
LINK = reverse("password_reset")
NEW = {"new_password1": "quite another one", "new_password2": "quite another one"}


def asked_for(client: Client, email: str) -> str:
    client.post(LINK, {"email": email})
    return re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))[1]  # type: ignore[index]


def works(link: str) -> bool:
    return Client().get(link).status_code == 302


@pytest.mark.parametrize("invited", [True, False], ids=["invitation", "forgotten"])
def test_a_link_works_once(client: Client, student: User, invited: bool) -> None:
    if invited:
        student.set_unusable_password()
        student.save()
    link = set_password_link(student) if invited else asked_for(client, student.email)
    assert works(link)
    assert works(link)  # a look by a mail scanner does not use it up
    client.post(client.get(link).headers["Location"], NEW)
    student.refresh_from_db()
    assert student.check_password("quite another one")
    assert not works(link)


def test_a_link_ends_when_another_one_was_used_or_somebody_logged_in(
    client: Client, student: User, log_in: Any
) -> None:
    first, second = asked_for(client, student.email), asked_for(client, student.email)
    client.post(client.get(second).headers["Location"], NEW)
    assert not works(first)
    third = asked_for(client, student.email)
    log_in(client, student, "quite another one")
    assert not works(third)


@pytest.mark.parametrize(("invited", "hours"), [(True, 72), (False, 1)], ids=["invitation", "forgotten"])
def test_a_link_ends_after_its_time(student: User, invited: bool, hours: int) -> None:
    if invited:
        student.set_unusable_password()
        student.save()
    link, now = set_password_link(student), datetime.now()  # noqa: DTZ005 (as Django counts)
    for minutes, still in ((-2, True), (2, False)):
        later = now + timedelta(hours=hours, minutes=minutes)
        with patch.object(PasswordResetTokenGenerator, "_now", lambda _self, later=later: later):
            assert works(link) is still


def test_a_link_of_somebody_else_or_a_changed_one_opens_nothing(student: User, teacher: User) -> None:
    mine, theirs = set_password_link(student).split("/"), set_password_link(teacher).split("/")
    mine[3], theirs[3] = theirs[3], mine[3]
    assert not works("/".join(mine))
    assert not works(set_password_link(student)[:-2] + "x/")


def test_the_answer_tells_nothing_of_who_has_an_account(client: Client, student: User) -> None:
    pages = []
    for email in (student.email, "nobody@example.org"):
        with patch("courses.passwords.mail_password_link.delay") as sent:
            pages.append(client.post(LINK, {"email": email}, follow=True).content)
        # The same work either way: one message to a worker, who alone looks for the account.
        assert sent.call_count == 1
    tokens = re.compile(rb"csrf[^>]+>|X-CSRFToken[^}]+")
    assert tokens.sub(b"", pages[0]) == tokens.sub(b"", pages[1])


def test_the_worker_mails_whoever_has_an_active_account(student: User) -> None:
    for email in (student.email.upper(), "nobody@example.org"):
        mail_password_link(email, "https://marking.example.org", "de")
    (message,) = mail.outbox
    assert "https://marking.example.org/accounts/reset/" in message.body
    assert "Passwort" in message.subject
    User.objects.update(is_active=False)
    mail_password_link(student.email, "https://marking.example.org", "de")
    assert len(mail.outbox) == 1


def test_a_broker_that_is_away_keeps_nobody_from_a_link(client: Client, student: User) -> None:
    with patch("courses.passwords.mail_password_link.delay", side_effect=OperationalError):
        client.post(LINK, {"email": student.email})
    assert len(mail.outbox) == 1


def test_a_forged_host_gets_into_no_mail(client: Client, student: User, settings: Any) -> None:
    assert client.post(LINK, {"email": student.email}, headers={"host": "elsewhere.example"}).status_code == 400
    settings.SITE_URL = "https://marking.example.org"
    client.post(LINK, {"email": student.email}, headers={"host": "localhost"})
    assert "https://marking.example.org/accounts/reset/" in str(mail.outbox[-1].body)


@pytest.mark.parametrize("way", ["change", "link"])
def test_a_new_password_ends_all_other_sessions_and_is_on_record(
    client: Client, student: User, log_in: Any, on_record: Any, way: str
) -> None:
    elsewhere = Client()
    for visitor in (client, elsewhere):
        log_in(visitor, student)
    if way == "change":
        client.post(reverse("password_change"), {"old_password": PASSWORD, **NEW})
        assert client.get("/courses/").status_code == 200
    else:
        helper = Client()
        student.refresh_from_db()
        helper.post(helper.get(set_password_link(student)).headers["Location"], NEW)
        assert client.get("/courses/").status_code == 302
        assert helper.get("/courses/").status_code == 302  # setting one does not log in
    assert elsewhere.get("/courses/").status_code == 302
    assert on_record(student)[-2:] == ["password_set", "sessions_ended"]


def test_a_session_has_an_age_and_a_new_name_after_logging_in(
    client: Client, student: User, log_in: Any, settings: Any
) -> None:
    session = client.session
    session["before"] = 1
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    cookie = log_in(client, student).cookies["sessionid"]
    assert cookie.value != planted
    assert cookie["max-age"] == settings.SESSION_COOKIE_AGE == 14 * 24 * 3600
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_logging_out_ends_the_session_on_the_server(client: Client, student: User, log_in: Any) -> None:
    log_in(client, student)
    copied = client.cookies["sessionid"].value
    client.post(reverse("logout"))
    thief = Client()
    thief.cookies["sessionid"] = copied
    assert thief.get("/courses/").status_code == 302


def test_deactivating_somebody_ends_their_sessions(client: Client, student: User, log_in: Any) -> None:
    log_in(client, student)
    User.objects.filter(pk=student.pk).update(is_active=False)
    assert client.get("/courses/").status_code == 302


def test_log_ins_and_failures_are_on_record_with_a_shortened_address(
    client: Client, student: User, log_in: Any, on_record: Any
) -> None:
    log_in(client, student, "wrong", REMOTE_ADDR="192.0.2.17")
    log_in(client, student, REMOTE_ADDR="2001:db8:1:2::3")
    assert on_record(student) == ["wrong_password", "signed_in"]
    lines = AccountEvent.objects.order_by("pk")
    assert [(line.how, line.network) for line in lines] == [
        ("password", "192.0.2.0/24"),
        ("password", "2001:db8:1::/48"),
    ]


def test_what_was_typed_as_a_name_of_nobody_is_not_kept(client: Client) -> None:
    client.post("/accounts/login/", {"username": "my password by mistake", "password": "x"})
    line = AccountEvent.objects.get()
    assert line.user is None
    assert "mistake" not in str(AccountEvent.objects.values())


def test_the_record_is_only_ever_added_to(student: User) -> None:
    line = AccountEvent.objects.create(user=student, kind=AccountEventKind.SIGNED_IN)
    line.kind = AccountEventKind.LOCKED
    with pytest.raises(Appended):
        line.save()
    with pytest.raises(Appended):
        AccountEvent.objects.update(kind=AccountEventKind.LOCKED)
    assert AccountEvent.objects.get().kind == "signed_in"


def test_an_old_line_goes_and_a_young_one_stays(student: User, settings: Any) -> None:
    settings.LOGIN_RECORD_DAYS = 30
    now = timezone.now()
    for days in (31, 29):
        with patch("django.utils.timezone.now", lambda days=days: now - timedelta(days=days)):
            AccountEvent.objects.create(user=student, kind=AccountEventKind.SIGNED_IN)
    forget_old_lines()
    assert [(now - line.at).days for line in AccountEvent.objects.all()] == [29]


def test_an_admin_reads_the_record_on_the_persons_page(client: Client, admin: User, student: User, log_in: Any) -> None:
    log_in(Client(), student, "wrong", REMOTE_ADDR="192.0.2.17")
    client.force_login(admin, backend="gradingsite.accounts.EmailBackend")
    page = client.get(reverse("grading:person", args=[student.pk])).content.decode()
    assert "Wrong password" in page
    assert "192.0.2.0/24" in page


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.17", "192.0.2.0/24"),
        ("::ffff:192.0.2.17", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_an_address_is_kept_as_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
