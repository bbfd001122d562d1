"""How often passwords and links may be tried: for an account from anywhere, and from one address for any account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from gradingsite.signin.limits import count, machine
from gradingsite.signin.models import AccountEvent, Tries
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LINK, CHANGE = reverse("password_reset"), reverse("password_change")


def limit(settings: Any, **numbers: int) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, **numbers}


def addresses() -> Iterator[str]:
    for last in range(1, 250):
        yield f"203.0.{last}.9"


def test_many_addresses_guessing_at_one_account_are_stopped(
    client: Client, teacher: User, student: User, log_in: Any, settings: Any, is_in: Any, on_record: Any
) -> None:
    limit(settings, password_account=4)
    places = addresses()
    for _ in range(4):
        assert log_in(client, teacher, "wrong", REMOTE_ADDR=next(places)).status_code == 200
    assert log_in(client, teacher, REMOTE_ADDR=next(places)).status_code == 429
    assert not is_in(client)
    assert on_record(teacher)[-1] == "locked"
    # Others are not locked by it.
    assert log_in(client, student, REMOTE_ADDR=next(places)).status_code == 302


def test_whoever_goes_on_knocking_fills_no_record(client: Client, teacher: User, log_in: Any, settings: Any) -> None:
    limit(settings, password_account=2)
    for _ in range(9):
        log_in(client, teacher, "wrong")
    assert AccountEvent.objects.filter(kind="locked").count() == 1
    assert AccountEvent.objects.count() == 3


def test_guessing_from_elsewhere_locks_nobody_out_where_they_usually_log_in(
    teacher: User, log_in: Any, settings: Any, is_in: Any
) -> None:
    limit(settings, password_account=4)
    log_in(Client(), teacher, REMOTE_ADDR="192.0.2.5")
    places = addresses()
    for _ in range(6):
        log_in(Client(), teacher, "wrong", REMOTE_ADDR=next(places))
    at_work = Client()
    assert log_in(at_work, teacher, REMOTE_ADDR="192.0.2.77").status_code == 302
    assert is_in(at_work)


def test_one_address_guessing_at_many_accounts_is_stopped(
    client: Client, teacher: User, log_in: Any, settings: Any, is_in: Any
) -> None:
    limit(settings, password_address=5)
    for _ in range(5):
        assert log_in(client, UserFactory(), "wrong").status_code == 200
    assert log_in(client, teacher).status_code == 429
    assert not is_in(client)
    assert log_in(client, teacher, REMOTE_ADDR="203.0.113.200").status_code == 302


def test_an_hour_later_all_is_open_again(client: Client, teacher: User, log_in: Any, settings: Any, is_in: Any) -> None:
    limit(settings, password_address=3)
    for _ in range(3):
        log_in(client, UserFactory(), "wrong")
    assert log_in(client, teacher).status_code == 429
    Tries.objects.update(until=timezone.now())
    assert log_in(client, teacher).status_code == 302
    log_in(Client(), teacher, "wrong")
    assert set(Tries.objects.values_list("number", flat=True)) == {1}


def test_tries_at_the_same_moment_are_all_counted(transactional_db: None) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(_try_five_times, range(8)))
    assert Tries.objects.get().number == 40


def _try_five_times(_thread: int) -> None:
    try:
        for _ in range(5):
            count("password_account", "teacher@example.org")
    finally:
        connection.close()


def test_one_line_into_a_house_is_one_place(rf: RequestFactory) -> None:
    places = {machine(rf.get("/", REMOTE_ADDR=f"2001:db8:1:2::{last}")) for last in range(1, 9)}
    assert places == {"2001:db8:1:2::/64"}
    assert machine(rf.get("/", REMOTE_ADDR="192.0.2.17")) == "192.0.2.17"


def test_neither_names_nor_addresses_lie_in_the_table(client: Client, teacher: User, log_in: Any) -> None:
    log_in(client, teacher, "wrong", REMOTE_ADDR="192.0.2.17")
    assert Tries.objects.count() == 2
    assert not [word for word in ("teacher", "192.0.2") if word in str(Tries.objects.values())]


def test_right_passwords_are_not_counted(client: Client, teacher: User, log_in: Any, settings: Any) -> None:
    limit(settings, password_address=3, password_account=3)
    for _ in range(6):
        assert log_in(client, teacher).status_code == 302


def test_names_that_belong_to_nobody_are_counted_and_answered_alike(
    client: Client, teacher: User, log_in: Any, settings: Any
) -> None:
    limit(settings, password_account=3)
    nobody = User(username="nobody@example.org")
    known, unknown = (
        [
            log_in(client, who, "wrong", REMOTE_ADDR=place).status_code
            for place, _ in zip(addresses(), "12345", strict=False)
        ]
        for who in (teacher, nobody)
    )
    assert known == unknown == [200, 200, 200, 429, 429]


@pytest.mark.parametrize("email", ["teacher@example.org", "nobody@example.org"])
def test_links_for_one_address_are_limited_and_the_answer_tells_nothing(
    client: Client, teacher: User, settings: Any, email: str
) -> None:
    limit(settings, link_account=2)
    asked = [
        client.post(LINK, {"email": spelt}, REMOTE_ADDR=place)
        for spelt, place in zip([email, email.upper(), email, f" {email}"], addresses(), strict=False)
    ]
    assert [answer.status_code for answer in asked] == [302, 302, 429, 429]
    assert len(mail.outbox) == (2 if email.startswith("teacher") else 0)


def test_one_place_can_have_no_more_than_one_link_an_hour_sent_to_everybody(client: Client, settings: Any) -> None:
    limit(settings, link_address=3)
    people = [UserFactory() for _ in range(5)]
    first = [client.post(LINK, {"email": person.email}).status_code for person in people]
    second = [client.post(LINK, {"email": person.email}).status_code for person in people]
    assert (first, second) == ([302] * 5, [429] * 5)
    assert len(mail.outbox) == 5


def test_an_open_session_is_no_place_to_try_passwords(client: Client, teacher: User, settings: Any) -> None:
    limit(settings, old_password=3)
    client.force_login(teacher, backend="gradingsite.accounts.EmailBackend")
    new = {"new_password1": "quite another one", "new_password2": "quite another one"}
    for _ in range(3):
        assert client.post(CHANGE, {"old_password": "wrong", **new}).status_code == 200
    assert client.post(CHANGE, {"old_password": PASSWORD, **new}).status_code == 429
    teacher.refresh_from_db()
    assert teacher.check_password(PASSWORD)


def test_what_is_counted_is_shared_by_all_processes(settings: Any) -> None:
    """The cache is a table: a process of its own memory would give every process its own tries."""
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")
    assert cache.add("once", True, timeout=60)
    assert not cache.add("once", True, timeout=60)


def guessing(log_in: Any, user: User, place: str, times: int = 30) -> None:
    """Somebody behind the same address as the account's owner goes on guessing, from one browser after another."""
    for _ in range(times):
        log_in(Client(), user, "wrong", REMOTE_ADDR=place)


def test_a_classmate_behind_the_same_address_cannot_keep_a_teacher_out_of_a_browser_they_use(
    teacher: User, log_in: Any, is_in: Any, settings: Any
) -> None:
    school, at_work = "192.0.2.5", Client()
    log_in(at_work, teacher, REMOTE_ADDR=school)
    at_work.post(reverse("logout"))
    limit(settings, password_account=20, password_address=25)
    guessing(log_in, teacher, school)
    assert log_in(Client(), teacher, REMOTE_ADDR=school).status_code == 429
    assert log_in(at_work, teacher, REMOTE_ADDR=school).status_code == 302
    assert is_in(at_work)


def test_a_known_browser_has_a_limit_of_its_own_and_is_known_to_its_account_alone(
    teacher: User, student: User, log_in: Any, settings: Any
) -> None:
    limit(settings, password_browser=3)
    browser = Client()
    log_in(browser, student)
    browser.post(reverse("logout"))
    for _ in range(3):
        assert log_in(browser, student, "wrong").status_code == 200
    assert log_in(browser, student).status_code == 429
    guessing(log_in, teacher, "127.0.0.1", times=9)
    assert log_in(browser, teacher).status_code == 429, "the student's cookie opens nothing of the teacher's"


def test_a_made_up_cookie_is_worth_nothing(client: Client, teacher: User, log_in: Any, settings: Any) -> None:
    for cookie in ("", "x", '{"a": "b"}:1tX:forged'):
        client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = cookie
        assert log_in(client, teacher, "wrong").status_code == 200
    guessing(log_in, teacher, "127.0.0.1", times=9)
    assert log_in(client, teacher).status_code == 429


def test_trying_again_does_not_put_off_the_end_of_the_pause(client: Client, teacher: User, log_in: Any) -> None:
    guessing(log_in, teacher, "127.0.0.1", times=9)
    for _ in range(3):
        later(minutes=4)
        assert log_in(client, teacher).status_code == 429
    later(minutes=4)
    assert log_in(client, teacher).status_code == 302


def later(*, minutes: int) -> None:
    """So much time has passed since each try that axes knows."""
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=minutes))


def test_a_reset_by_mail_always_lets_its_owner_in(teacher: User, log_in: Any, is_in: Any, settings: Any) -> None:
    limit(settings, link_address=3, password_account=20, password_address=25)
    school = "192.0.2.5"
    for number in range(6):
        Client().post(LINK, {"email": f"nobody{number}@example.org"}, REMOTE_ADDR=school)
    guessing(log_in, teacher, school)
    browser = Client()
    assert log_in(browser, teacher, REMOTE_ADDR=school).status_code == 429
    assert browser.post(LINK, {"email": teacher.email}, REMOTE_ADDR=school).status_code == 302
    (sent,) = (message for message in mail.outbox if message.to == [teacher.email])
    page = browser.get(re.search(r"https?://\S+", sent.body)[0], follow=True)  # type: ignore[index]
    password = "a new one, long enough"
    browser.post(page.redirect_chain[-1][0], {"new_password1": password, "new_password2": password})
    guessing(log_in, teacher, school)
    assert log_in(browser, teacher, password, REMOTE_ADDR=school).status_code == 302
    assert is_in(browser)
