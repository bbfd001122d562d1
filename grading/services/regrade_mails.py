"""Mails about regrade requests. The rows say who is still to be told, so no mail is lost with a message."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from courses.querysets import STAFF_ROLES
from grading.models import RegradeRequest, RegradeState

log = logging.getLogger(__name__)

# Older ones are not told any more: a mail that comes days late confuses more than it helps.
STILL_NEWS = timedelta(days=1)


def regrade_mails_send() -> int:
    """Tell a course's staff of new requests, and students of answers; the number of requests told of."""
    return sum(_tell(asked) for asked in untold().order_by("pk")[:500])


def untold() -> QuerySet[RegradeRequest]:
    since = timezone.now() - STILL_NEWS
    asked = Q(state=RegradeState.OPEN, teachers_told_at=None, created_at__gte=since)
    answered = Q(state=RegradeState.ANSWERED, student_told_at=None, answered_at__gte=since)
    rows = RegradeRequest.objects.select_related("grade__submission__assignment__course", "grade__submission__student")
    return rows.filter(asked | answered)


def _tell(asked: RegradeRequest) -> bool:
    told = "teachers_told_at" if asked.state == RegradeState.OPEN else "student_told_at"
    # Taken by compare-and-set before it is sent: two workers with the same message send one mail.
    rows = RegradeRequest.objects.filter(pk=asked.pk, state=asked.state, **{told: None})
    if not rows.update(**{told: timezone.now()}):
        return False
    try:
        if asked.state == RegradeState.OPEN:
            _tell_staff(asked)
        else:
            _tell_student(asked)
    except (OSError, SMTPException) as error:
        log.warning("the mail about regrade request %s could not be sent and is tried again: %s", asked.pk, error)
        RegradeRequest.objects.filter(pk=asked.pk).update(**{told: None})
        return False
    return True


def _tell_staff(asked: RegradeRequest) -> None:
    assignment = asked.grade.submission.assignment
    staff = User.objects.filter(
        memberships__course=assignment.course_id, memberships__role__in=STAFF_ROLES, is_active=True
    ).exclude(email="")
    with translation.override(assignment.course.language):
        subject = gettext("A regrade is asked for: “%(title)s”") % {"title": _line(assignment.title)}
        body = gettext(
            "A student asks you to look at a grade of “%(title)s” in %(course)s once more. "
            "Reason and paper are here:\n\n%(link)s\n"
        ) % {
            "title": assignment.title,
            "course": assignment.course.name,
            "link": settings.SITE_URL + reverse("grading:review", args=[asked.grade.submission_id]),
        }
    for person in staff.distinct():
        send_mail(subject, body, None, [person.email])


def _tell_student(asked: RegradeRequest) -> None:
    submission = asked.grade.submission
    student, assignment = submission.student, submission.assignment
    if not student.is_active or not student.email:
        return
    with translation.override(assignment.course.language):
        subject = gettext("An answer about your grade for “%(title)s”") % {"title": _line(assignment.title)}
        body = gettext(
            "Hello %(name)s,\n\nyour request about your grade for “%(title)s” in %(course)s has been answered. "
            "You can read the answer here:\n\n%(link)s\n"
        ) % {
            "name": student.get_full_name() or student.get_username(),
            "title": assignment.title,
            "course": assignment.course.name,
            "link": settings.SITE_URL + reverse("grading:my_grade", args=[submission.pk]),
        }
    send_mail(subject, body, None, [student.email])


def _line(title: str) -> str:
    """One line: a title with a line break in it would be refused as a header."""
    return " ".join(title.split())
