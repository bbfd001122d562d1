"""Names and roles: a course is brought up to date from the platform's list, after a look at what would change."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.contrib.auth.models import User

from courses.models import Course, CourseEvent, Membership, Role
from gradingsite.lti.models import Context, Platform, PlatformPerson
from gradingsite.signin.models import AccountEvent
from tests.factories import PASSWORD
from tests.lti.browser import Browser, heading, inputs
from tests.lti.conftest import known_as
from tests.lti.platform import ASSISTANT, INSTRUCTOR, LEARNER, Person, Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def page(visitor: Browser, linked: Context, teacher: User) -> str:
    visitor.log_in("teacher@example.org", PASSWORD)
    return f"/lti/contexts/{linked.pk}/members/"


@pytest.fixture
def class_list(simulator: Simulator) -> list[Person]:
    simulator.members = [
        Person("s-ada", "ada@example.org", "Ada Brandt"),
        Person("s-zoe", "zoe@example.org", "Zoë Young"),
        Person("s-kim", "kim@example.org", "Kim Lee", [INSTRUCTOR]),
        Person("s-tom", "assistant@example.org", "Tom Weber", [ASSISTANT]),
        Person("s-gone", "gone@example.org", "Gone", [LEARNER], "Inactive"),
        Person("s-hidden", "", "Hidden\ud800"),
        Person("s-odd\0", "odd@example.org", "Odd"),
        Person("s-max", "max@example.org", "Max Moor"),
    ]
    return simulator.members


def look(visitor: Browser, page: str) -> requests.Response:
    return visitor.send(page, look="")


def take_over(visitor: Browser, page: str, seen: requests.Response, **more: str) -> requests.Response:
    fields = inputs(seen.text)
    data = {"csrfmiddlewaretoken": fields["csrfmiddlewaretoken"], "looked_at": fields["looked_at"], **more}
    return visitor.session.post(visitor.tool + page, data=data, headers={"Referer": seen.url}, timeout=30)


def test_the_members_page_leads_there(visitor: Browser, page: str, course: Course) -> None:
    text = visitor.open(f"/courses/{course.pk}/members/").text
    assert page in text
    assert "Update from Hill Moodle" in text


def test_a_look_tells_what_would_change_and_changes_nothing(
    visitor: Browser,
    page: str,
    class_list: Any,
    simulator: Simulator,
    course: Course,
    other_student: User,
    student: User,
    assistant: User,
) -> None:
    before = list(course.memberships.values_list("user", "role"))
    seen = look(visitor, page)
    assert simulator.asked == ["/token", *["/members"] * 4]
    for told in ("Zoë Young", "Max Moor", "Bilal Chaudhry", "the platform gives no e-mail address"):
        assert told in seen.text
    assert "staff of this platform are enrolled by hand" in seen.text
    assert "gone@example.org" not in seen.text
    assert list(course.memberships.values_list("user", "role")) == before
    assert not User.objects.filter(username="zoe@example.org").exists()


def test_it_is_taken_over_as_it_was_looked_at(
    visitor: Browser, page: str, class_list: Any, course: Course, other_student: User, student: User, teacher: User
) -> None:
    answer = take_over(visitor, page, look(visitor, page))
    assert "2 people were added" in answer.text
    assert Membership.objects.get(course=course, user__username="zoe@example.org").role == Role.STUDENT
    assert Membership.objects.filter(course=course, user=other_student).exists()
    assert CourseEvent.objects.filter(action="member_added", actor=teacher).count() == 2
    assert not User.objects.filter(username="kim@example.org").exists()


def test_who_is_missing_goes_only_when_that_is_asked_for(
    visitor: Browser, page: str, class_list: Any, course: Course, other_student: User, student: User
) -> None:
    take_over(visitor, page, look(visitor, page), take_out="on")
    left = set(course.memberships.values_list("user__username", flat=True))
    assert left == {"teacher@example.org", "ada@example.org", "zoe@example.org", "max@example.org"}


def test_a_list_that_has_changed_meanwhile_is_shown_again(
    visitor: Browser, page: str, class_list: list[Person], course: Course
) -> None:
    seen = look(visitor, page)
    class_list.append(Person("s-eve", "eve@example.org", "Eve"))
    answer = take_over(visitor, page, seen)
    assert "has changed since you looked" in answer.text
    assert "eve@example.org" in answer.text
    assert not User.objects.filter(username="zoe@example.org").exists()
    take_over(visitor, page, answer)
    assert Membership.objects.filter(course=course, user__username="eve@example.org").exists()


def test_staff_come_with_the_role_that_an_admin_allows_and_nobodys_role_is_changed(
    visitor: Browser, page: str, class_list: Any, course: Course, student: User, simulator: Simulator
) -> None:
    Platform.objects.update(staff_cap="teacher")
    simulator.members[0].roles = [INSTRUCTOR]
    seen = look(visitor, page)
    assert "Student here, Teacher there" in seen.text
    take_over(visitor, page, seen)
    roles = dict(course.memberships.values_list("user__username", "role"))
    assert roles["kim@example.org"] == Role.TEACHER
    assert roles["assistant@example.org"] == Role.ASSISTANT
    assert roles["ada@example.org"] == Role.STUDENT


def test_new_accounts_are_linked_and_used_ones_are_not(
    visitor: Browser, page: str, class_list: Any, student: User
) -> None:
    """A list is worth no more than a launch: an address in it opens no account that somebody uses."""
    take_over(visitor, page, look(visitor, page))
    found = dict(PlatformPerson.objects.values_list("sub", "user__username"))
    assert found == {"s-zoe": "zoe@example.org", "s-max": "max@example.org"}
    lines = AccountEvent.objects.filter(kind="sso_linked", how="lti", by__username="teacher@example.org")
    assert lines.count() == 2


def test_a_person_who_is_known_counts_and_not_the_address(
    visitor: Browser, page: str, class_list: list[Person], student: User, platform: Platform, course: Course
) -> None:
    known_as(platform, student, "s-ada")
    class_list[0].email = "married@example.org"
    seen = look(visitor, page)
    assert "married@example.org" not in seen.text
    take_over(visitor, page, seen)
    assert not User.objects.filter(username="married@example.org").exists()


@pytest.mark.parametrize(
    ("twist", "words"),
    [
        ("500 /members", "it answered with 500"),
        ("500 /token", "it answered with 500"),
        ("redirect /members", "a redirect, which is not followed"),
        ("redirect /token", "a redirect, which is not followed"),
        ("nonsense /members", "could not be read"),
        ("nonsense /token", "could not be read"),
        ("slow /members", "did not answer"),
        ("endless /members", "had no end"),
        ("endless_list", "had no end"),
        ("next_elsewhere", "not among the hosts"),
    ],
)
def test_what_goes_wrong_is_told_and_nothing_is_changed(
    twist: str, words: str, visitor: Browser, page: str, class_list: Any, simulator: Simulator, course: Course
) -> None:
    simulator.twists.add(twist)
    answer = look(visitor, page)
    assert answer.status_code == 200
    assert heading(answer) == "Update from Hill Moodle"
    assert words in answer.text
    assert "/secret" not in simulator.asked
    assert course.memberships.count() == 1


def test_another_tools_token_is_not_enough(
    visitor: Browser, page: str, class_list: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The simulator takes nothing that the tool has not signed: otherwise the tests above would prove little."""
    from gradingsite.lti import keys
    from tests.lti.platform import STRANGERS_KEY

    pem = STRANGERS_KEY.private_bytes(
        keys.serialization.Encoding.PEM,
        keys.serialization.PrivateFormat.PKCS8,
        keys.serialization.NoEncryption(),
    ).decode()
    monkeypatch.setattr(keys, "private_pem", lambda _key: pem)
    assert "it answered with 400" in look(visitor, page).text
