"""Enrolling: by row, never twice, and without touching what people already have."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse

from courses.errors import InvalidEmail, LastTeacher, UnknownRole
from courses.models import Course, Membership, Role
from courses.services import enrol_from_csv, member_add, member_change_role, member_invite_again, member_remove
from courses.services.invitations import invitations_send
from tests.factories import UserFactory


def test_it_enrols_the_good_rows_and_tells_the_others(course: Course, teacher: User) -> None:
    data = "Vorname;Nachname;E-Mail;Rolle\nJürgen;Groß;J.Gross@Example.org;\nX;Y;nonsense;student\n"
    data += "Tina;Tutor;tina@example.org;Tutor\nA;B;b@example.org;king\nJ;G;j.gross@example.org;student\n"
    report = enrol_from_csv(course=course, by=teacher, data=data.encode("cp1252"))
    assert (report.added, report.updated, report.unchanged) == (2, 0, 0)
    assert [error.row for error in report.errors] == [3, 5, 6]
    person = User.objects.get(username="j.gross@example.org")
    assert (person.get_full_name(), person.has_usable_password(), person.is_staff) == ("Jürgen Groß", False, False)
    assert Membership.objects.get(user__username="tina@example.org").role == Role.ASSISTANT


def test_the_same_list_again_changes_nothing(course: Course, teacher: User) -> None:
    data = b"name,email\nAda Brandt,ada@example.org\n"
    enrol_from_csv(course=course, by=teacher, data=data)
    report = enrol_from_csv(course=course, by=teacher, data=data.upper().replace(b"NAME", b"name"))
    assert (report.added, report.unchanged, report.invited) == (0, 1, [])
    assert User.objects.filter(username__iexact="ada@example.org").count() == 1


def test_a_list_never_changes_an_account_that_exists(course: Course, teacher: User, admin: User) -> None:
    before = User.objects.filter(pk=admin.pk).values().get()
    data = b"name,email,role,is_staff,password\nMallory Evil,ADMIN@example.org,student,1,hacked\n"
    report = enrol_from_csv(course=course, by=teacher, data=data)
    assert report.added == 1
    assert User.objects.filter(pk=admin.pk).values().get() == before


def test_an_account_is_found_by_its_address_whatever_its_user_name(course: Course, teacher: User) -> None:
    boss = UserFactory(username="boss", email="Boss@example.org")
    assert member_add(course=course, by=teacher, email="boss@example.org", name="", role="assistant").user == boss


def test_a_row_may_change_a_role_but_not_take_the_last_teacher(course: Course, teacher: User, student: User) -> None:
    data = b"email,role\nada@example.org,assistant\nteacher@example.org,student\n"
    report = enrol_from_csv(course=course, by=teacher, data=data)
    assert (report.updated, [error.row for error in report.errors]) == (1, [3])
    assert Membership.objects.get(course=course, user=teacher).role == Role.TEACHER


def test_the_last_teacher_cannot_go(course: Course, teacher: User) -> None:
    membership = Membership.objects.get(course=course, user=teacher)
    for act in (
        lambda: member_remove(membership=membership, by=teacher),
        lambda: member_change_role(membership=membership, by=teacher, role=Role.STUDENT),
    ):
        with pytest.raises(LastTeacher):
            act()
    member_add(course=course, by=teacher, email="second@example.org", name="Second Teacher", role=Role.TEACHER)
    member_remove(membership=membership, by=teacher)
    assert not Membership.objects.filter(pk=membership.pk).exists()


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a b@example.org", "x" * 150 + "@example.org", "a@example.org\nBcc: b"]
)
def test_it_refuses_what_is_no_address(course: Course, teacher: User, email: str) -> None:
    with pytest.raises(InvalidEmail):
        member_add(course=course, by=teacher, email=email, name="X", role="student")


def test_it_refuses_an_unknown_role(course: Course, teacher: User) -> None:
    with pytest.raises(UnknownRole):
        member_add(course=course, by=teacher, email="x@example.org", name="X", role="admin")


def test_a_new_member_is_mailed_a_link_that_sets_a_password(
    course: Course, teacher: User, client: Any, settings: Any
) -> None:
    settings.SITE_URL = "https://marginalia.example.org"
    user = member_add(course=course, by=teacher, email="new@example.org", name="New Person", role="student").user
    assert invitations_send(course_id=course.pk, user_ids=[user.pk]) == 1
    message = mail.outbox[0]
    assert (message.to, course.name in message.subject) == (["new@example.org"], True)
    link = next(word for word in message.body.split() if word.startswith("https://marginalia.example.org/"))
    page = client.get(link.removeprefix("https://marginalia.example.org"), follow=True)
    form = {"new_password1": "correct horse battery", "new_password2": "correct horse battery"}
    client.post(page.redirect_chain[-1][0], form)
    user.refresh_from_db()
    assert user.check_password("correct horse battery")
    assert invitations_send(course_id=course.pk, user_ids=[user.pk]) == 0


def test_an_invited_person_may_ask_for_a_new_link(course: Course, teacher: User, client: Any) -> None:
    membership = member_add(course=course, by=teacher, email="new@example.org", name="New", role="student")
    client.post(reverse("password_reset"), {"email": "NEW@example.org"})
    assert [message.to for message in mail.outbox] == [[membership.user.email]]
    assert member_invite_again(membership=membership, by=teacher) is True
    assert member_invite_again(membership=Membership.objects.get(user=teacher), by=teacher) is False
