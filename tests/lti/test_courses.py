"""What a launch leads to: linking a course and an assignment, and the role that somebody gets by coming in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from django.contrib.auth.models import User

from courses.models import Assignment, Course, Membership, Role
from courses.services import member_remove
from gradingsite.lti.models import Context, Platform, ResourceLink
from tests.lti.browser import Browser, heading, inputs
from tests.lti.conftest import known_as
from tests.lti.platform import ASSISTANT, CLAIM, CLIENT, INSTRUCTOR, LEARNER, Person, Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def miriam(platform: Platform, teacher: User, simulator: Simulator) -> User:
    known_as(platform, teacher, "s-teacher")
    simulator.person = Person("s-teacher", "teacher@example.org", "Miriam Osei", [INSTRUCTOR])
    return teacher


def cap(role: str) -> None:
    Platform.objects.update(staff_cap=role)


def test_a_teacher_links_the_course_and_the_assignment_at_the_first_launch(
    visitor: Browser,
    browse: Callable[[], Browser],
    miriam: User,
    course: Course,
    assignment: Assignment,
    simulator: Simulator,
    student: User,
    platform: Platform,
) -> None:
    page = visitor.launch()
    assert heading(page) == "Link “Physics 7b” of Hill Moodle"
    page = visitor.send(path_of(page), course=course.pk)
    assert heading(page) == "Where “Why is the sky blue?” of Hill Moodle leads"
    page = visitor.send(path_of(page), assignment=assignment.pk)
    assert page.url.endswith(f"/assignments/{assignment.pk}/")
    context, link = Context.objects.get(), ResourceLink.objects.get()
    assert (context.course, context.linked_by, link.assignment, link.linked_by) == (course, miriam, assignment, miriam)
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada", roles=[LEARNER])
    assert browse().launch().url.endswith(f"/assignments/{assignment.pk}/")


def path_of(page: requests.Response) -> str:
    return "/" + page.url.split("/", 3)[3]


def test_only_ones_own_courses_can_be_linked(
    visitor: Browser, miriam: User, other_course: Course, course: Course
) -> None:
    page = visitor.launch()
    assert f'value="{course.pk}"' in page.text
    assert f'value="{other_course.pk}"' not in page.text
    page = visitor.send(path_of(page), course=other_course.pk)
    assert page.status_code == 200
    assert Context.objects.get().course is None


def test_a_teacher_may_make_a_new_course_of_it(visitor: Browser, miriam: User) -> None:
    page = visitor.launch()
    page = visitor.send(path_of(page), course="", name="Physics, class 7b", language="en")
    row = Course.objects.get(name="Physics, class 7b")
    assert Context.objects.get().course == row
    assert Membership.objects.get(course=row).user == miriam


def test_the_choice_is_open_only_to_the_browser_that_came_from_there(
    visitor: Browser, browse: Callable[[], Browser], miriam: User, outsider: User, admin: User
) -> None:
    path = path_of(visitor.launch())
    for name in ("outsider@example.org", "admin@example.org", "teacher@example.org"):
        other = browse()
        other.log_in(name, "a-long-enough-password")
        assert other.open(path).status_code == 404


def new_teacher(simulator: Simulator, role: str = INSTRUCTOR) -> None:
    simulator.person = Person("s-kim", "kim@example.org", "Kim Lee", [role])


def test_teachers_of_a_platform_are_not_made_teachers_unless_an_admin_allows_it(
    visitor: Browser, link: Any, simulator: Simulator
) -> None:
    new_teacher(simulator)
    page = visitor.launch()
    assert page.status_code == 403
    assert "are not made teachers here by themselves" in page.text
    assert not Membership.objects.filter(user__username="kim@example.org").exists()


@pytest.mark.parametrize(
    ("allowed", "there", "here"),
    [
        ("assistant", INSTRUCTOR, "assistant"),
        ("assistant", ASSISTANT, "assistant"),
        ("teacher", ASSISTANT, "assistant"),
        ("teacher", INSTRUCTOR, "teacher"),
        ("teacher", LEARNER, "student"),
        ("none", LEARNER, "student"),
    ],
)
def test_a_launch_gives_at_most_the_role_that_an_admin_allows(
    allowed: str, there: str, here: str, visitor: Browser, link: Any, simulator: Simulator
) -> None:
    cap(allowed)
    new_teacher(simulator, there)
    assert visitor.launch().status_code == 200
    assert Membership.objects.get(user__username="kim@example.org").role == here


def test_assistants_of_the_platform_who_are_called_instructors_too_are_assistants(
    visitor: Browser, link: Any, simulator: Simulator
) -> None:
    cap("teacher")
    new_teacher(simulator)
    simulator.person.roles = [INSTRUCTOR, ASSISTANT]
    visitor.launch()
    assert Membership.objects.get(user__username="kim@example.org").role == Role.ASSISTANT


def test_a_teacher_of_an_allowed_platform_may_open_a_course_and_one_of_another_may_not(
    visitor: Browser, platform: Platform, simulator: Simulator
) -> None:
    new_teacher(simulator)
    assert visitor.launch().status_code == 403
    cap("teacher")
    page = visitor.launch()
    page = visitor.send(path_of(page), course="", name="Kim's course", language="en")
    assert Membership.objects.get(course__name="Kim's course").role == Role.TEACHER


def test_instructor_roles_in_another_course_give_nothing_in_this_one(
    visitor: Browser, link: Any, simulator: Simulator, student: User, platform: Platform, course: Course
) -> None:
    """A student who teaches a sandbox of their own on the platform."""
    cap("teacher")
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada", roles=[INSTRUCTOR])
    simulator.body[f"{CLAIM}context"] = {"id": "sandbox", "title": "Ada's sandbox"}
    page = visitor.launch()
    assert heading(page) == "Link “Ada's sandbox” of Hill Moodle"
    page = visitor.send(path_of(page), course=course.pk)
    assert Context.objects.get(key="sandbox").course is None
    assert Membership.objects.get(course=course, user=student).role == Role.STUDENT


def test_a_launch_never_changes_the_role_that_somebody_has(
    visitor: Browser, link: Any, simulator: Simulator, student: User, platform: Platform, course: Course
) -> None:
    cap("teacher")
    known_as(platform, student, "s-ada")
    simulator.person = Person("s-ada", roles=[INSTRUCTOR])
    assert visitor.launch().status_code == 200
    assert Membership.objects.get(course=course, user=student).role == Role.STUDENT


def test_whom_a_teacher_took_out_does_not_come_back_by_a_launch(
    visitor: Browser, link: Any, simulator: Simulator, teacher: User, course: Course
) -> None:
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    visitor.launch()
    member_remove(membership=Membership.objects.get(user__username="zoe@example.org"), by=teacher)
    page = visitor.launch()
    assert page.status_code == 403
    assert "taken you out of this course" in page.text


def test_services_at_hosts_that_no_admin_named_are_not_kept(
    visitor: Browser, miriam: User, simulator: Simulator, platform: Platform
) -> None:
    """A message could otherwise have this server ask anything inside the school's network."""
    simulator.body["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"] = {
        "context_memberships_url": "http://169.254.169.254/latest/meta-data"
    }
    simulator.body["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"] = {
        "scope": ["https://purl.imsglobal.org/spec/lti-ags/scope/score"],
        "lineitem": "http://localhost:6379/x",
    }
    visitor.launch()
    assert Context.objects.get().members_url == ""
    assert ResourceLink.objects.get().line_item == ""
    platform.refresh_from_db()
    assert platform.refused_host == "localhost:6379"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lms.example.org/members", True),
        ("https://lms.example.org:443/members", True),
        ("https://school.instructure.com/api", True),
        ("http://school.instructure.com/api", False),
        ("https://school.instructure.com:8443/api", False),
        ("http://lms.example.org/members", False),
        ("https://lms.example.org:8443/members", False),
        ("https://lms.example.org@evil.example/", False),
        ("https://evil.example/?lms.example.org", False),
        ("file:///etc/passwd", False),
        ("gopher://lms.example.org/", False),
        ("//lms.example.org/members", False),
        ("https://[::1", False),
        ("https://lms.example.org:x/", False),
        ("", False),
    ],
)
def test_which_addresses_of_a_platform_are_asked(url: str, allowed: bool) -> None:
    platform = Platform(
        issuer="https://lms.example.org",
        auth_login_url="https://lms.example.org/auth",
        auth_token_url="https://lms.example.org/token",
        key_set_url="https://lms.example.org/jwks",
        service_hosts=["school.instructure.com"],
    )
    assert platform.may_be_asked(url) is allowed


def test_unlinking_a_course_keeps_its_members_and_shuts_the_door(
    visitor: Browser,
    browse: Callable[[], Browser],
    miriam: User,
    link: Any,
    linked: Context,
    course: Course,
    simulator: Simulator,
) -> None:
    visitor.launch()
    members = course.memberships.count()
    page = visitor.open(f"/lti/contexts/{linked.pk}/")
    token = inputs(page.text)["csrfmiddlewaretoken"]
    visitor.session.post(
        f"{visitor.tool}/lti/contexts/{linked.pk}/unlink/",
        data={"csrfmiddlewaretoken": token},
        headers={"Referer": page.url},
        timeout=9,
    )
    linked.refresh_from_db()
    assert linked.course is None
    assert course.memberships.count() == members
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    assert browse().launch().status_code == 403


DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"


def asks_for_a_link(simulator: Simulator, back: str) -> None:
    simulator.body[f"{CLAIM}message_type"] = "LtiDeepLinkingRequest"
    simulator.body[f"{CLAIM}resource_link"] = None
    simulator.body[f"{DEEP}deep_linking_settings"] = {
        "deep_link_return_url": back,
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["window"],
        "data": "opaque",
    }


def test_a_teacher_chooses_an_assignment_for_the_platform(
    visitor: Browser,
    browse: Callable[[], Browser],
    miriam: User,
    linked: Context,
    assignment: Assignment,
    simulator: Simulator,
) -> None:
    back = f"{simulator.issuer}/deep-back?x=1"
    asks_for_a_link(simulator, back)
    page = visitor.launch()
    assert heading(page) == "Choose an assignment"
    page = visitor.send(path_of(page), assignment=assignment.pk)
    assert f'<form method="post" action="{back}">' in page.text
    assert f"form-action 'self' {simulator.issuer};" in page.headers["Content-Security-Policy"] + ";"
    message = inputs(page.text)["JWT"]
    keys = requests.get(f"{visitor.tool}/lti/jwks.json", timeout=5).json()["keys"]
    said = jwt.decode(message, jwt.PyJWK(keys[0]).key, algorithms=["RS256"], audience=simulator.issuer, issuer=CLIENT)
    assert said[f"{DEEP}data"] == "opaque"
    item = said[f"{DEEP}content_items"][0]
    assert item["custom"] == {"assignment": str(assignment.pk)}
    assert item["lineItem"] == {"scoreMaximum": 4.0, "label": "The sky"}
    # The link that the platform makes of it leads there by itself.
    simulator.body.clear()
    simulator.body[f"{CLAIM}custom"] = item["custom"]
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    assert browse().launch().url.endswith(f"/assignments/{assignment.pk}/")


def test_a_choice_goes_to_the_platform_and_nowhere_else(
    visitor: Browser, miriam: User, linked: Context, simulator: Simulator
) -> None:
    asks_for_a_link(simulator, "https://evil.example/;script-src *")
    assert visitor.launch().status_code == 403


def test_students_choose_nothing(visitor: Browser, linked: Context, simulator: Simulator) -> None:
    asks_for_a_link(simulator, f"{simulator.issuer}/deep-back")
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    page = visitor.launch()
    assert page.status_code == 403
    assert "Only teachers of the course" in page.text


def test_a_link_that_names_an_assignment_of_another_course_leads_nowhere(
    visitor: Browser, linked: Context, simulator: Simulator, other_course: Course
) -> None:
    elsewhere = Assignment.objects.create(course=other_course, title="x", question="y", max_points=4)
    simulator.body[f"{CLAIM}custom"] = {"assignment": str(elsewhere.pk)}
    simulator.person = Person("s-9", "zoe@example.org", "Zoë Young")
    assert visitor.launch().url.endswith(f"/courses/{linked.course_id}/")
    assert ResourceLink.objects.get().assignment is None
