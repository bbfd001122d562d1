"""Rows of an evening of marking, made in the running site's database, proposals and all: no model need run."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment, Course, Membership, Role
from grading.models import AnswerGroup, SavedComment
from grading.services.acceptance import papers_accept
from grading.services.groups import groups_make
from tests.browser.more_rows import more_rows
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission, make_user, make_version

SURE = 0.98
SAME = ("The switch opens the circuit.", "the switch opens the circuit", "The switch opens a circuit")
OTHER = ("Batteries lose their charge in time", "Batteries lose all charge in time")


def make() -> None:
    """Print the addresses' numbers as JSON: a course with a teacher and a student who can log in."""
    teacher = User.objects.get(email="teacher@example.org")
    student = User.objects.get(email="student1@example.org")
    course = Course.objects.create(name="Physics in the evening")
    Membership.objects.create(course=course, user=teacher, role=Role.TEACHER)
    Membership.objects.create(course=course, user=student, role=Role.STUDENT)
    SavedComment.objects.create(course=course, text="Say why.")
    found: dict[str, Any] = {"course": course.pk, "alike": _alike(course), "sure": _sure(course, teacher)}
    found["group"] = AnswerGroup.objects.filter(assignment=found["alike"]).earliest("pk").pk
    found["acceptance"] = _checking(course, teacher)
    found |= _by_hand(course) | _released(course, teacher, student)
    found["asked_paper"] = _released(course, teacher, student, title="To be asked about")["released_paper"]
    found |= more_rows(course, teacher, student)
    json.dump(found, sys.stdout)


def _alike(course: Course) -> int:
    """Answers in two groups, all waiting."""
    assignment = make_assignment(course, title="Alike")
    for text in (*SAME, *OTHER):
        make_grade(make_submission(assignment, text=text))
    groups_make(assignment=assignment)
    return assignment.pk


def _checking(course: Course, teacher: User) -> int:
    """A bulk whose sample waits to be marked blind."""
    assignment = Assignment.objects.get(pk=_sure(course, teacher, title="Checking"))
    return papers_accept(assignment=assignment, by=teacher, tolerance=0.5, risk=0.1).pk


def _sure(course: Course, teacher: User, title: str = "Sure") -> int:
    """24 proposals that the teacher found right, and 30 that wait."""
    assignment = make_assignment(course, title=title)
    decided = {"points": Decimal(2), "approved_by": teacher, "approved_at": timezone.now()}
    for _ in range(24):
        make_grade(make_submission(assignment), "approved", proposed_score=SURE, **decided)
    for _ in range(30):
        make_grade(make_submission(assignment), proposed_score=SURE)
    return assignment.pk


def _by_hand(course: Course) -> dict[str, int]:
    """Twenty answers that are read one by one."""
    assignment = make_assignment(course, title="Read one by one", criteria=(2, 2))
    papers = []
    for place in range(20):
        papers.append(make_submission(assignment, student=make_user(last_name=f"Reader{place:02}")))
        make_grade(papers[-1])
    return {"read": assignment.pk, "paper": papers[0].pk}


def _released(course: Course, teacher: User, student: User, title: str = "Released") -> dict[str, int]:
    """A grade that its student can read, and a run that proposed it."""
    assignment: Assignment = make_assignment(course, title=title)
    submission = make_submission(assignment, student=student)
    now = timezone.now()
    decided = {"points": Decimal(3), "approved_by": teacher, "approved_at": now, "released_at": now}
    make_grade(submission, "released", **decided)
    version = make_version("candidate", name=f"a candidate for {title}")
    run = make_run(assignment, [submission], version=version)
    return {"released": assignment.pk, "released_paper": submission.pk, "run": run.pk, "version": version.pk}
