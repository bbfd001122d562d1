"""Where one is logged in: seen, ended one by one or all at once, and ended when the way of logging in changes."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from gradingsite.signin import idle
from gradingsite.signin.devices import device_of, device_words
from gradingsite.signin.models import AccountEvent
from gradingsite.signin.open_sessions import sessions_of
from tests.factories import PASSWORD
from tests.proof import log_in_now, long_ago
from tests.signin.codes import code

pytestmark = pytest.mark.django_db
PAGE, ONE, OTHERS = reverse("sessions"), reverse("session_end"), reverse("sessions_end_others")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18 Mobile/1 Safari/604.1"
EDGE = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"


def is_in(client: Client) -> bool:
    return client.get("/courses/").status_code == 200


@pytest.fixture
def phone(student: User, log_in: Any) -> Client:
    client = Client(headers={"user-agent": IPHONE})
    log_in(client, student)
    return client


@pytest.fixture
def desk(client: Client, student: User, log_in: Any) -> Client:
    log_in(client, student, headers={"user-agent": FIREFOX})
    return client


def marks(page: str) -> list[str]:
    return re.findall(r'name="session"\s+value="(\w+)"', page)


def test_the_page_names_each_device_marks_this_one_and_tells_the_hour(
    desk: Client, phone: Client, teacher: User, log_in: Any
) -> None:
    log_in(Client(headers={"user-agent": EDGE}), teacher)
    page = desk.get(PAGE).content.decode()
    assert re.search(r"Firefox on Windows\s+<strong>\(this one\)", page)
    assert "Safari on iPhone" in page
    assert "Edge" not in page
    assert set(re.findall(r"in the hour from [^<]*:(\d\d)", page)) == {"00"}


def test_the_page_holds_no_name_of_a_session_that_would_let_somebody_in(desk: Client, phone: Client) -> None:
    page = desk.get(PAGE).content.decode()
    assert marks(page)
    assert not [row.session_key for row in Session.objects.all() if row.session_key in page]


def test_one_is_ended_and_the_others_stay(desk: Client, phone: Client, student: User, on_record: Any) -> None:
    tablet = log_in_now(Client(), student)
    page = desk.get(PAGE).content.decode()
    (mark,) = [mark for mark in marks(page) if "iPhone" in page[: page.index(mark)].rsplit("<li>", 1)[1]]
    assert "is ended" in desk.post(ONE, {"session": mark}, follow=True).content.decode()
    assert (is_in(desk), is_in(phone), is_in(tablet)) == (True, False, True)
    assert on_record(student)[-1] == "sessions_ended"
    assert "over already" in desk.post(ONE, {"session": mark}, follow=True).content.decode()


def test_nobody_ends_the_session_of_somebody_else(desk: Client, teacher: User) -> None:
    other = log_in_now(Client(), teacher)
    log_in_now(Client(), teacher)
    mark = marks(other.get(PAGE).content.decode())[0]
    desk.post(ONE, {"session": mark})
    assert len(sessions_of(teacher)) == 2


def test_all_others_are_ended_at_once(desk: Client, phone: Client, student: User, teacher: User) -> None:
    bystander = log_in_now(Client(), teacher)
    assert "1 session was ended" in desk.post(OTHERS, follow=True).content.decode()
    assert (is_in(desk), is_in(phone), is_in(bystander)) == (True, False, True)


def test_ending_asks_who_it_is_and_goes_on_after_the_password(desk: Client, phone: Client) -> None:
    long_ago(desk)
    answer = desk.post(OTHERS)
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert is_in(phone)
    desk.post(answer.headers["Location"], {"password": PASSWORD})
    assert not is_in(phone)
    assert is_in(desk)


def test_showing_again_who_it_is_gives_the_session_a_new_name(desk: Client) -> None:
    long_ago(desk)
    before = desk.session.session_key
    desk.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": PAGE})
    assert desk.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()
    assert is_in(desk)


def test_an_admin_ends_all_sessions_of_a_person(desk: Client, phone: Client, student: User, admin: User) -> None:
    office = log_in_now(Client(), admin)
    url = reverse("person_sessions_end", args=[student.pk])
    assert url in office.get(reverse("grading:person", args=[student.pk])).content.decode()
    assert "2 sessions were ended" in office.post(url, follow=True).content.decode()
    assert (is_in(desk), is_in(phone), is_in(office)) == (False, False, True)
    line = AccountEvent.objects.get(kind="sessions_ended")
    assert (line.user, line.by) == (student, admin)


def test_a_second_factor_switched_on_or_off_ends_the_other_sessions(
    client: Client, teacher: User, log_in: Any, django_capture_on_commit_callbacks: Any
) -> None:
    elsewhere = log_in_now(Client(), teacher)
    log_in(client, teacher)
    client.get(reverse("mfa_activate_totp"))
    secret = client.session["mfa.totp.secret"]
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("mfa_activate_totp"), {"code": code(secret)})
    assert (is_in(client), is_in(elsewhere)) == (True, False)
    elsewhere = log_in_now(Client(), teacher)
    client.post(reverse("mfa_deactivate_totp"))
    assert (is_in(client), is_in(elsewhere)) == (True, False)


def test_a_session_that_a_new_password_or_time_ended_is_not_listed(student: User, log_in: Any, settings: Any) -> None:
    log_in(Client(), student)
    assert len(sessions_of(student)) == 1
    idle_one = Client()
    log_in(idle_one, student)
    session = idle_one.session
    session[idle.KEY] = int(time.time()) - settings.SESSION_IDLE_SECONDS - 60
    session.save()
    assert len(sessions_of(student)) == 1
    student.set_password("quite another one")
    student.save()
    assert sessions_of(student) == []


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        (EDGE, "Edge on macOS"),
        ("curl/8", "A browser that does not say what it is"),
        ("<script>alert(1)</script> Windows", "Windows"),
    ],
)
def test_a_device_is_told_in_words_of_our_own(agent: str, words: str) -> None:
    assert device_words(device_of(agent)) == words
