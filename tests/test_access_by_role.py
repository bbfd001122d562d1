"""Every URL, requested as every kind of person, with ids that exist. A URL without a line here fails the test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from courses.models import Assignment, Course, Membership, UnmatchedFile
from grading.models import (
    Acceptance,
    AnswerGroup,
    RegradeRequest,
    ReleasePlan,
    ReviewAct,
    SavedComment,
    SecondMark,
    TrainingExample,
    TrainingRun,
    TrainingSet,
    Trial,
)
from gradingsite.signin.models import ApiToken
from tests.factories import UserFactory
from tests.grading.factories import make_grade, make_run, make_submission, make_version
from tests.lti import access as lti

A_ROW = {"id": "1", "question": "Why?", "answer": "Because.", "score": 1, "max_score": 2}
# Who may do it. Everybody else is refused: 404 where the row is not theirs to see, 403 where it is.
ADMIN = frozenset({"admin"})
OWNERS = ADMIN | {"teacher"}
STAFF = OWNERS | {"assistant"}
THE_STUDENT = STAFF | {"student"}
MEMBERS = THE_STUDENT | {"other_student"}
TEACHING = STAFF | {"outsider"}
EVERYBODY = MEMBERS | {"outsider"}

GET = {
    "courses:home": ("", EVERYBODY),
    "courses:course_list": ("", EVERYBODY),
    "courses:course_new": ("", OWNERS | {"outsider"}),
    "courses:course": ("course", MEMBERS),
    "courses:course_edit": ("course", OWNERS),
    "courses:members": ("course", STAFF),
    "courses:enrol": ("course", OWNERS),
    "courses:assignment_new": ("course", STAFF),
    "courses:assignment": ("assignment", MEMBERS),
    "courses:assignment_edit": ("assignment", STAFF),
    "courses:rubric_edit": ("assignment", STAFF),
    "courses:submit": ("assignment", frozenset({"student", "other_student"})),
    "courses:upload_files": ("assignment", STAFF),
    "courses:upload_table": ("assignment", STAFF),
    "courses:submission": ("submission", THE_STUDENT),
    "courses:submission_original": ("submission", THE_STUDENT),
    "grading:import_marked": ("course", OWNERS),
    "grading:pilot": ("assignment", STAFF),
    "grading:second_marks": ("assignment", STAFF),
    "grading:second_mark": ("approved_paper", STAFF),
    "grading:second_settle": ("second_mark", STAFF),
    "grading:pilot_progress": ("assignment", STAFF),
    "grading:run": ("run", STAFF),
    "grading:run_progress": ("run", STAFF),
    "grading:review_list": ("assignment", STAFF),
    "grading:dashboard": ("assignment", STAFF),
    "grading:groups": ("assignment", STAFF),
    "grading:promise": ("assignment", STAFF),
    "grading:acceptance": ("acceptance", STAFF),
    "grading:nearest": ("submission", STAFF),
    "grading:consistency": ("assignment", STAFF),
    "grading:group": ("group", STAFF),
    "grading:review": ("submission", STAFF),
    "grading:comments": ("course", STAFF),
    "grading:comments_list": ("course", STAFF),
    "grading:comment_edit": ("comment", STAFF),
    "grading:rewrite": ("grade", STAFF),
    "grading:papers": ("assignment", STAFF),
    "grading:jump": ("submission", STAFF),
    "grading:release": ("assignment", STAFF),
    "grading:regrades": ("assignment", STAFF),
    "grading:export": ("assignment", STAFF),
    "grading:gradebook": ("assignment", STAFF),
    "grading:my_grade": ("submission", THE_STUDENT),
    "grading:versions": ("", ADMIN),
    "grading:version": ("version", ADMIN),
    "grading:version_promote": ("version", ADMIN),
    "grading:version_card": ("version", ADMIN),
    "grading:version_import": ("", ADMIN),
    "grading:version_export": ("version", ADMIN),
    "grading:drift": ("version", ADMIN),
    "grading:trial": ("trial", ADMIN),
    "grading:student_groups": ("", ADMIN),
    "grading:examples": ("", ADMIN),
    "grading:example": ("example", ADMIN),
    "grading:examples_export": ("", ADMIN),
    "grading:training_log": ("training", ADMIN),
    "grading:training_list": ("", ADMIN),
    "grading:training_new": ("", ADMIN),
    "grading:training_sets": ("", ADMIN),
    "grading:training_set_delete": ("training_set", ADMIN),
    "grading:training": ("training", ADMIN),
    "grading:training_progress": ("training", ADMIN),
    "grading:health": ("", ADMIN),
    "grading:style_guide": ("", ADMIN),
    "grading:people": ("", ADMIN),
    "grading:person": ("person", ADMIN),
    "grading:person_data": ("person", ADMIN),
    "grading:history": ("", ADMIN),
    "grading:history_csv": ("", ADMIN),
    "grading:course_history": ("course", OWNERS),
    "grading:course_history_csv": ("course", OWNERS),
    "grading:retention": ("", ADMIN),
    "grading:course_retention": ("course", OWNERS),
    "grading:research": ("course", ADMIN),
    **lti.GET,
}
POST = {
    "grading:version_delete": ("version", ADMIN),
    "grading:version_shadow": ("version", ADMIN),
    "grading:version_try": ("version", ADMIN),
    "grading:student_groups_forget": ("", ADMIN),
    "grading:examples_exclude": ("", ADMIN),
    "grading:examples_restore": ("", ADMIN),
    "grading:training_suggested": ("", ADMIN),
    "grading:training_resume": ("training", ADMIN),
    "courses:consent": ("course", frozenset({"student", "other_student"})),
    "courses:member_role": ("membership", OWNERS),
    "courses:member_remove": ("membership", OWNERS),
    "courses:member_invite": ("membership", OWNERS),
    "courses:unmatched_assign": ("unmatched", STAFF),
    "courses:unmatched_discard": ("unmatched", STAFF),
    "grading:run_start": ("assignment", STAFF),
    "grading:pilot_start": ("assignment", STAFF),
    "grading:refit": ("assignment", STAFF),
    "grading:group_confirm": ("group", STAFF),
    "grading:group_split": ("group", STAFF),
    "grading:group_merge": ("group", STAFF),
    "grading:run_cancel": ("run", STAFF),
    "grading:run_retry": ("run", STAFF),
    "grading:grade_by_hand": ("submission", STAFF),
    "grading:grade_save": ("grade", STAFF),
    "grading:grade_autosave": ("grade", STAFF),
    "grading:comment_remove": ("comment", STAFF),
    "grading:rewrite_ask": ("grade", STAFF),
    "grading:rewrite_end": ("grade", STAFF),
    "grading:anchor": ("grade", STAFF),
    "grading:anchor_remove": ("grade", STAFF),
    "grading:presence": ("submission", STAFF),
    "grading:flag": ("submission", STAFF),
    "grading:undo": ("assignment", STAFF),
    "grading:grade_reopen": ("grade", STAFF),
    "grading:grade_reject": ("grade", STAFF),
    "grading:grade_regrade": ("grade", STAFF),
    "grading:withdraw": ("grade", STAFF),
    "grading:release_plan": ("assignment", STAFF),
    "grading:release_plan_cancel": ("plan", STAFF),
    "grading:regrade_ask": ("submission", frozenset({"student"})),
    "grading:regrade_take_back": ("regrade", frozenset({"student"})),
    "grading:regrade_answer": ("regrade", STAFF),
    "grading:release_again": ("grade", STAFF),
    "grading:version_retire": ("version", ADMIN),
    "grading:version_reject": ("version", ADMIN),
    "grading:version_roll_back": ("", ADMIN),
    "grading:training_cancel": ("training", ADMIN),
    "grading:person_delete": ("person", ADMIN),
    "grading:training_estimate": ("", ADMIN),
    "factor_reset": ("person", ADMIN),
    "sso_unlink": ("person", ADMIN),
    "person_sessions_end": ("person", ADMIN),
    "token_withdraw": ("token", frozenset({"student"})),
    **lti.POST,
}
# Behind tokens, where a session's cookie counts for nothing; tests/api/test_who_may_what.py has their table.
API = {
    "api:api-root",
    "api:openapi-json",
    "api:courses",
    "api:course",
    "api:assignments",
    "api:assignment",
    "api:submissions",
    "api:submission",
    "api:submission_file",
    "api:grades",
    "api:grade",
    "api:grade_approve",
    "api:release",
    "api:runs",
    "api:run",
    "api:run_cancel",
    "api_unknown",
}
# Pages about one's own account or about nobody: there is nothing of others behind them.
OPEN = {
    "healthz",
    "livez",
    "readyz",
    # For programs: behind a token or on this machine alone; tests/site/test_metrics.py.
    "metrics",
    "csp_report",
    "grading:my_data",
    "login",
    "account_login",
    "account_inactive",
    "account_reauthenticate",
    "mfa_index",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "sso_start",
    "sso_callback",
    "sessions",
    "session_end",
    "sessions_end_others",
    "tokens",
    "api_docs",
    "logout",
    "password_change",
    "password_change_done",
    "password_reset",
    "password_reset_done",
    "password_reset_confirm",
    "password_reset_complete",
    "set_language",
    "javascript-catalog",
    *lti.OPEN,
}


def names_of(patterns: list[Any], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}"


def test_every_url_has_a_line() -> None:
    found = {name for name in names_of(get_resolver().url_patterns) if not name.startswith("admin:")}
    assert found == set(GET) | set(POST) | OPEN | API


@pytest.fixture
def people(
    admin: User, teacher: User, assistant: User, student: User, other_student: User, outsider: User
) -> dict[str, User]:
    return {
        "admin": admin,
        "teacher": teacher,
        "assistant": assistant,
        "student": student,
        "other_student": other_student,
        "outsider": outsider,
        "without_a_course": UserFactory(),
    }


@pytest.fixture
def rows(course: Course, assignment: Assignment, student: User, other_student: User, admin: User) -> dict[str, int]:
    """One row of each kind, none of which the outsider or the other student has any business with."""
    submission = make_submission(assignment, student=student, original_name="essay.txt")
    submission.original.save("essay.txt", ContentFile(b"Because of Rayleigh scattering."))
    grade = make_grade(submission, state="released", points=1, approved_by=admin, approved_at=timezone.now())
    approved = make_grade(
        make_submission(assignment, student=UserFactory()), state="approved", points=1, approved_by=other_student
    )
    version = make_version()
    unmatched = UnmatchedFile(assignment=assignment, original_name="who.txt")
    unmatched.original.save("who.txt", ContentFile(b"An answer."))
    group = AnswerGroup.objects.create(assignment=assignment, kind="similar")
    act = ReviewAct.objects.create(assignment=assignment, actor=admin, kind="bulk_approved")
    acceptance = Acceptance.objects.create(
        assignment=assignment, act=act, tolerance=0.5, risk=0.1, bound=0.1, marks=22, wrong=0
    )
    training = TrainingRun.objects.create(request_key=uuid.uuid4(), requested_by=admin, config={"lora": {"rank": 4}})
    return {
        "course": course.pk,
        "person": student.pk,
        "assignment": assignment.pk,
        "submission": submission.pk,
        "grade": grade.pk,
        "membership": Membership.objects.get(course=course, user=other_student).pk,
        "unmatched": unmatched.pk,
        "run": make_run(assignment, [submission], version=version).pk,
        "version": version.pk,
        "training": training.pk,
        "trial": Trial.objects.create(version=version, question="Why?", answer="So.").pk,
        "example": TrainingExample.objects.create(
            source="uploaded", state="accepted", question_key="q", row=A_ROW, content_hash="0"
        ).pk,
        "training_set": TrainingSet.objects.create(name="Past exams").pk,
        "comment": SavedComment.objects.create(course=course, text="Say why.").pk,
        "group": group.pk,
        "acceptance": acceptance.pk,
        "approved_paper": approved.submission_id,
        "second_mark": SecondMark.objects.create(grade=grade, points=2).pk,
        "plan": ReleasePlan.objects.create(assignment=assignment, at=timezone.now() + timedelta(days=1), by=admin).pk,
        "token": ApiToken.objects.create(user=student, name="Script", hint="mgt_", digest="0").pk,
        **lti.rows(assignment, student),
        "regrade": RegradeRequest.objects.create(grade=grade, reason="Please look again.").pk,
    }


def address(name: str, kind: str, rows: dict[str, int]) -> str:
    keys: dict[str, Any] = {"pk": rows[kind]} if kind else {}
    if name == "grading:export":
        keys["kind"] = "csv"
    if name == "grading:examples_export":
        keys["kind"] = "jsonl"
    if name == "grading:jump":
        keys["to"] = "ungraded"
    return reverse(name, kwargs=keys)


def status(url: str, method: str, user: User | None) -> int:
    """What this person gets; whatever the request changed is undone again."""
    client = Client(raise_request_exception=True)
    if user is not None:
        client.force_login(user, backend="gradingsite.accounts.EmailBackend")
    with transaction.atomic():
        response = client.post(url) if method == "post" else client.get(url)
        transaction.set_rollback(True)
    if response.status_code == 302 and response.headers["Location"].startswith("/accounts/login/"):
        return 401
    return response.status_code


CELLS = [("get", name, *cell) for name, cell in GET.items()] + [("post", name, *cell) for name, cell in POST.items()]


@pytest.mark.parametrize(("method", "name", "kind", "allowed"), CELLS, ids=[f"{cell[0]}-{cell[1]}" for cell in CELLS])
def test_a_page_opens_for_those_who_may_and_for_nobody_else(
    method: str, name: str, kind: str, allowed: frozenset[str], people: dict[str, User], rows: dict[str, int]
) -> None:
    url = address(name, kind, rows)
    got = {role: status(url, method, user) for role, user in people.items()}
    if name in ("courses:home", "courses:course_list"):
        allowed |= {"without_a_course"}
    assert {role for role, code in got.items() if code in {200, 302, 409, 422}} == allowed, got
    assert {code for role, code in got.items() if role not in allowed} <= {403, 404}, got
    assert status(url, method, None) == 401
    deactivated = people["teacher"]
    User.objects.filter(pk=deactivated.pk).update(is_active=False)
    assert status(url, method, deactivated) == 401


@pytest.mark.parametrize("name", POST)
def test_opening_an_address_that_changes_things_changes_nothing(name: str, rows: dict[str, int], admin: User) -> None:
    assert status(address(name, POST[name][0], rows), "get", admin) == 405


def test_a_former_member_sees_nothing_any_more(rows: dict[str, int], assistant: User) -> None:
    assistant.memberships.all().delete()
    for name in ("courses:course", "courses:assignment", "courses:submission", "grading:review", "grading:run"):
        assert status(address(name, GET[name][0], rows), "get", assistant) == 404


@pytest.mark.parametrize("state", ["proposed", "approved", "withdrawn", "rejected", "superseded"])
def test_a_student_cannot_see_an_unreleased_grade(
    state: str, assignment: Assignment, student: User, client: Client
) -> None:
    points = {"points": 1} if state in ("approved", "withdrawn") else {}
    grade = make_grade(
        make_submission(assignment, student=student), state=state, feedback="Unreleased words.", **points
    )
    client.force_login(student, backend="gradingsite.accounts.EmailBackend")
    assert client.get(reverse("grading:my_grade", args=[grade.submission_id])).status_code == 404
    for page in ("courses:home", "courses:course", "courses:assignment", "courses:submission"):
        key = {"courses:course": assignment.course_id, "courses:assignment": assignment.pk}
        keys = [] if page == "courses:home" else [key.get(page, grade.submission_id)]
        html = client.get(reverse(page, args=keys)).content.decode()
        assert "Unreleased words." not in html
        assert f"grading/submissions/{grade.submission_id}/grade" not in html
