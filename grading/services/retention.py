"""The end of retention periods: announced a month before, called off where something changed, then done.

Beat calls `retention_sweep` every hour. A row of RetentionSweep carries each announcement, so nothing depends on a
message, and two workers do the same thing once.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext

from courses.guards import history_unlocked
from courses.models import Course, Role, Submission, UnmatchedFile
from courses.services.history import data_event
from courses.transitions import TransitionLost, move
from grading.models import AnswerGroup, Grade, RetentionState, RetentionSweep
from grading.retention import WhatGoes, due_on, holds, what_goes
from grading.services.erasing import answers_of, examples_erase

log = logging.getLogger(__name__)
WARN = timedelta(days=30)


def retention_sweep() -> int:
    """Announce, call off and do what is due; the number of courses whose answers were deleted."""
    for plan in RetentionSweep.objects.filter(state=RetentionState.WARNED).select_related("course"):
        if due_on(plan.course) != plan.due_on:
            _end(plan, RetentionState.CALLED_OFF)
    announced = RetentionSweep.objects.filter(state=RetentionState.WARNED)
    for course in Course.objects.exclude(retention_months=None).exclude(retention_sweeps__in=announced).order_by("pk"):
        _announce(course)
    for plan in announced.filter(told_at=None).select_related("course"):
        _tell(plan)
    return sum(_do(plan) for plan in announced.exclude(told_at=None).select_related("course").order_by("pk"))


def _announce(course: Course) -> None:
    due = due_on(course)
    if due is None or timezone.localdate() < due - WARN or not _anything(course):
        return
    try:
        with transaction.atomic():
            RetentionSweep.objects.create(course=course, due_on=due, warned_at=timezone.now())
    except IntegrityError:
        log.info("another worker has just announced the end of the retention period of course %s", course.pk)


def _anything(course: Course) -> bool:
    kept = (Submission.objects, UnmatchedFile.objects)
    return any(rows.filter(assignment__course=course).exists() for rows in kept)


def _do(plan: RetentionSweep) -> bool:
    """Delete what an announced sweep takes, unless its day has not come or something stands against it."""
    told = plan.told_at or timezone.now()
    if timezone.localdate() < plan.due_on or timezone.now() < told + WARN:
        return False
    with history_unlocked():
        course = Course.objects.select_for_update().get(pk=plan.course_id)
        # Whoever asks for a regrade, marks or hands in waits for these rows, or is seen below.
        rows = Submission.objects.filter(assignment__course=course)
        keys = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
        grades = Grade.objects.filter(submission__in=rows).order_by("pk")
        list(grades.select_for_update(of=("self",)).values_list("pk", flat=True))
        if due_on(course) != plan.due_on or holds(course):
            return False
        gone = what_goes(course)
        counts = {"totals": gone.totals, "assignments": list(gone.assignments)}
        if not _end(plan, RetentionState.DONE, counts=counts):
            return False
        _delete(course, keys, gone)
    log.info("retention: the answers of course %s were deleted: %s", course.pk, gone.totals)
    return True


def _delete(course: Course, keys: list[int], gone: WhatGoes) -> None:
    rows = Submission.objects.filter(pk__in=keys)
    clean_files = examples_erase(examples=gone.examples, answers=answers_of(rows), by=None)
    rows.delete()
    UnmatchedFile.objects.filter(assignment__course=course).delete()
    AnswerGroup.objects.filter(assignment__course=course).delete()
    data_event(course=course, by=None, action="retention_swept", after=gone.totals)
    transaction.on_commit(clean_files)


def _end(plan: RetentionSweep, to: str, **fields: Any) -> bool:
    try:
        move(plan, to, ended_at=timezone.now(), **fields)
    except TransitionLost:
        return False
    return True


def _tell(plan: RetentionSweep) -> None:
    """Tell the admins and the course's teachers. It counts as announced from then on; a mail that could not be sent is
    tried again with the next sweep."""
    told = RetentionSweep.objects.filter(pk=plan.pk, told_at=None)
    if not told.update(told_at=timezone.now()):
        return
    teachers = Q(memberships__course=plan.course_id, memberships__role=Role.TEACHER)
    people = User.objects.filter(Q(is_staff=True) | teachers, is_active=True).exclude(email="").distinct()
    try:
        for email in people.order_by("pk").values_list("email", flat=True):
            _send(plan, email)
    except (OSError, SMTPException) as error:
        log.warning("the announcement for course %s could not be sent and is tried again: %s", plan.course_id, error)
        RetentionSweep.objects.filter(pk=plan.pk).update(told_at=None)


def _send(plan: RetentionSweep, email: str) -> None:
    course = plan.course
    day = max(plan.due_on, timezone.localdate(timezone.now() + WARN))
    with translation.override(course.language):
        subject = gettext("Answers of %(course)s will be deleted") % {"course": " ".join(course.name.split())}
        body = gettext(
            "Hello,\n\nthe time for which the answers of %(course)s are kept is nearly over. On %(day)s the answers, "
            "files, grades and feedback of this course will be deleted, and the training examples made of them. "
            "What will go, and how to keep it for longer:\n\n%(link)s\n"
        ) % {
            "course": course.name,
            "day": date_format(day, "DATE_FORMAT"),
            "link": settings.SITE_URL + reverse("grading:course_retention", args=[course.pk]),
        }
    send_mail(subject, body, None, [email])
