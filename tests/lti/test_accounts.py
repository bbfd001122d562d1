"""Who a launch signs in: never somebody who has an account of their own, by an address alone."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Course, Membership, Role
from gradingsite.lti.models import Platform, PlatformPerson
from gradingsite.signin.models import AccountEvent
from tests.factories import PASSWORD
from tests.lti.browser import Browser, heading, inputs
from tests.lti.conftest import known_as, make_platform
from tests.lti.platform import INSTRUCTOR, Person, Simulator
from tests.signin.codes import SECRET, code

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def invited(course: Course) -> User:
    """Enrolled by a teacher, and never here."""
    user = User(username="new@example.org", email="new@example.org", first_name="Nia", last_name="Newman")
    user.set_unusable_password()
    user.save()
    Membership.objects.create(course=course, user=user, role=Role.STUDENT)
    return user


def test_who_is_new_gets_an_account_by_the_platform(visitor: Browser, link: Any, simulator: Simulator) -> None:
    simulator.person = Person("s-9", "Zoe.Young@Example.org", "Zoë\0 Young\ud800")
    assert visitor.launch().status_code == 200
    user = User.objects.get(username="zoe.young@example.org")
    assert visitor.user_menu == "Zoë Young"
    assert not user.has_usable_password()
    row = PlatformPerson.objects.get(user=user)
    assert (row.sub, row.confirmed) == ("s-9", False)
    assert Membership.objects.get(user=user).role == Role.STUDENT
    kinds = AccountEvent.objects.filter(user=user).order_by("pk").values_list("kind", "how")
    assert list(kinds) == [("sso_linked", "lti"), ("signed_in", "lti")]


def test_a_platform_that_makes_no_accounts_makes_none(visitor: Browser, link: Any, simulator: Simulator) -> None:
    Platform.objects.update(makes_accounts=False)
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    page = visitor.launch()
    assert page.url.endswith("/lti/confirm/")
    assert "There is no account with your address here" in page.text
    assert not User.objects.filter(username="zoe@example.org").exists()


def test_an_account_that_nobody_has_used_is_linked_by_its_address(
    visitor: Browser, link: Any, simulator: Simulator, invited: User
) -> None:
    simulator.person = Person("s-9", "NEW@example.org", "Somebody")
    assert visitor.launch().status_code == 200
    assert visitor.user_menu == "Nia Newman"


def test_later_the_person_counts_and_not_the_address(
    visitor: Browser, browse: Any, link: Any, simulator: Simulator, invited: User
) -> None:
    simulator.person = Person("s-9", "new@example.org")
    visitor.launch()
    simulator.person = Person("s-9", "married@example.org")
    again = browse()
    again.launch()
    assert again.user_menu == "Nia Newman"
    simulator.person = Person("s-10", "new@example.org")
    thief = browse()
    assert thief.launch().url.endswith("/lti/confirm/")
    assert thief.user_menu == ""


USED = ["has a password", "was here", "is an admin", "teaches", "has a second factor", "comes from another platform"]


@pytest.mark.parametrize("used", USED)
def test_an_account_in_use_is_never_taken_over_by_its_address(
    used: str, visitor: Browser, link: Any, simulator: Simulator, invited: User
) -> None:
    if used == "has a password":
        invited.set_password(PASSWORD)
        invited.save()
    if used == "was here":
        User.objects.filter(pk=invited.pk).update(last_login=timezone.now())
    if used == "is an admin":
        User.objects.filter(pk=invited.pk).update(is_staff=True)
    if used == "teaches":
        Membership.objects.filter(user=invited).update(role=Role.TEACHER)
    if used == "has a second factor":
        TOTP.activate(invited, SECRET)
    if used == "comes from another platform":
        known_as(make_platform(simulator, client_id="another"), invited, "s-1")
    before = PlatformPerson.objects.count()
    simulator.person = Person("s-evil", "new@example.org", "Nia Newman", [INSTRUCTOR])
    page = visitor.launch()
    assert page.url.endswith("/lti/confirm/")
    assert "please log in to it once" in page.text
    assert visitor.user_menu == ""
    assert PlatformPerson.objects.count() == before
    assert visitor.open("/lti/enter/").url.endswith("/accounts/login/?next=/lti/enter/")


def test_who_logs_in_once_is_linked_and_comes_in_without_it_afterwards(
    visitor: Browser, browse: Any, link: Any, simulator: Simulator, student: User
) -> None:
    simulator.person = Person("s-ada", "ada@example.org", "Ada Brandt")
    assert visitor.launch().url.endswith("/lti/confirm/")
    page = visitor.log_in("ada@example.org", PASSWORD, "/lti/confirm/")
    assert "Do it only if that is you" in page.text
    assert not PlatformPerson.objects.exists()
    page = visitor.send("/lti/confirm/")
    assert page.url.endswith(f"/assignments/{link.assignment_id}/")
    assert PlatformPerson.objects.get(user=student).confirmed
    again = browse()
    assert again.launch().url.endswith(f"/assignments/{link.assignment_id}/")
    assert again.user_menu == "Ada Brandt"


def test_a_person_may_link_an_account_with_another_address(
    visitor: Browser, link: Any, simulator: Simulator, student: User
) -> None:
    simulator.person = Person("s-ada", "", "Ada")
    page = visitor.launch()
    assert "gave no e-mail address" in page.text
    visitor.log_in("ada@example.org", PASSWORD, "/lti/confirm/")
    visitor.send("/lti/confirm/")
    assert PlatformPerson.objects.get(user=student).sub == "s-ada"


def test_an_account_has_one_person_of_a_platform(
    visitor: Browser, link: Any, simulator: Simulator, student: User, platform: Platform
) -> None:
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-other", "ada@example.org", "Ada Brandt")
    visitor.launch()
    visitor.log_in("ada@example.org", PASSWORD, "/lti/confirm/")
    page = visitor.send("/lti/confirm/")
    assert page.status_code == 403
    assert "linked to another person" in page.text
    assert PlatformPerson.objects.get().sub == "s-ada"


def test_staff_confirm_with_their_password_even_when_they_are_logged_in(
    visitor: Browser, link: Any, simulator: Simulator, teacher: User, settings: Any
) -> None:
    """Whoever finds a teacher's session open must not link a person of their own to it."""
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    visitor.log_in("teacher@example.org", PASSWORD)
    simulator.person = Person("s-evil", "evil@example.org", "Eve", [INSTRUCTOR])
    Platform.objects.update(makes_accounts=False)
    assert visitor.launch().url.endswith("/lti/confirm/")
    page = visitor.send("/lti/confirm/")
    assert "/accounts/reauthenticate/" in page.url
    assert not PlatformPerson.objects.exists()


def test_the_second_factor_is_asked_for_after_a_launch(
    visitor: Browser, link: Any, simulator: Simulator, teacher: User, platform: Platform
) -> None:
    known_as(platform, teacher, "s-teacher")
    TOTP.activate(teacher, SECRET)
    simulator.person = Person("s-teacher", "teacher@example.org", "Miriam Osei", [INSTRUCTOR])
    page = visitor.launch()
    assert page.url.endswith("/accounts/second-factor/code/")
    assert visitor.user_menu == ""
    page = visitor.send("/accounts/second-factor/code/", code=code())
    assert page.url.endswith(f"/assignments/{link.assignment_id}/")
    assert visitor.user_menu == "Miriam Osei"


def test_an_address_that_was_claimed_early_opens_no_rights_that_come_later(
    visitor: Browser, browse: Any, link: Any, simulator: Simulator, other_course: Course
) -> None:
    """Somebody claims the address of a teacher who is not here yet, and waits until the school makes them one."""
    simulator.person = Person("s-evil", "head@example.org", "Head")
    assert visitor.launch().status_code == 200
    head = User.objects.get(username="head@example.org")
    visitor.session.cookies.clear()
    Membership.objects.create(course=other_course, user=head, role=Role.TEACHER)
    assert visitor.launch().url.endswith("/lti/confirm/")
    assert visitor.user_menu == ""
    User.objects.filter(pk=head.pk).update(is_staff=True)
    Membership.objects.filter(user=head).delete()
    assert browse().launch().url.endswith("/lti/confirm/")


def test_a_launch_ends_the_session_of_whoever_was_logged_in_before(
    visitor: Browser, link: Any, simulator: Simulator, student: User, other_student: User, platform: Platform
) -> None:
    known_as(platform, student, "s-ada")
    visitor.log_in("bilal.chaudhry@example.org", PASSWORD)
    simulator.person = Person("s-ada")
    page = visitor.launch()
    assert page.url.endswith(f"/assignments/{link.assignment_id}/")
    assert visitor.user_menu == "Ada Brandt"


def test_an_address_that_only_looks_like_somebodys_is_nobodys(
    visitor: Browser, link: Any, simulator: Simulator, invited: User
) -> None:
    simulator.person = Person("s-9", "ne\u2174@example.org")
    simulator.person.email = "\u212aada@example.org"
    page = visitor.launch()
    assert page.url.endswith("/lti/confirm/")
    assert not PlatformPerson.objects.exists()


def test_an_admin_unlinks_a_person(
    visitor: Browser, link: Any, simulator: Simulator, student: User, platform: Platform, admin: User
) -> None:
    row = known_as(platform, student, "s-ada")
    visitor.log_in("admin@example.org", PASSWORD)
    page = visitor.open(f"/grading/people/{student.pk}/")
    assert f"/lti/people/{row.pk}/unlink/" in page.text
    token = inputs(page.text)["csrfmiddlewaretoken"]
    address = f"{visitor.tool}/lti/people/{row.pk}/unlink/"
    page = visitor.session.post(address, data={"csrfmiddlewaretoken": token}, headers={"Referer": page.url}, timeout=9)
    assert heading(page) == "Ada Brandt"
    assert not PlatformPerson.objects.exists()
    assert AccountEvent.objects.filter(user=student, kind="sso_unlinked", by=admin).exists()
