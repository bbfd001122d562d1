"""Mails to students. The rows say who is still to be told (`told_at` is empty), so no mail is lost with a message."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from grading.models import Grade

log = logging.getLogger(__name__)

# Older ones are not told any more: a mail that comes days late confuses more than it helps.
STILL_NEWS = timedelta(days=1)


def released_mails_send(*, grade_ids: Sequence[int] | None = None) -> int:
    """Tell students of released grades that they have not been told of; the number of mails sent.

    Who cannot log in (an account that only holds imported answers) gets none. A mail that could not be sent is tried
    again with the next sweep.
    """
    rows = untold().select_related("submission__student", "submission__assignment__course").order_by("pk")
    if grade_ids is not None:
        rows = rows.filter(pk__in=grade_ids)
    return sum(_tell(grade) for grade in rows)


def untold() -> QuerySet[Grade]:
    since = timezone.now() - STILL_NEWS
    return (
        Grade.objects.released()
        .filter(told_at=None, released_at__gte=since, submission__student__is_active=True)
        .exclude(submission__student__email="")
    )


def _tell(grade: Grade) -> bool:
    # Taken by compare-and-set before it is sent: two workers with the same message send one mail.
    claimed = Grade.objects.filter(pk=grade.pk, told_at=None).update(told_at=timezone.now())
    if not claimed:
        return False
    try:
        _send(grade)
    except (OSError, SMTPException) as error:
        log.warning("the mail about grade %s could not be sent and is tried again: %s", grade.pk, error)
        Grade.objects.filter(pk=grade.pk).update(told_at=None)
        return False
    return True


def _send(grade: Grade) -> None:
    assignment = grade.submission.assignment
    student = grade.submission.student
    with translation.override(assignment.course.language):
        # One line: a title with a line break in it would be refused as a header.
        subject = gettext("Your grade for “%(title)s”") % {"title": " ".join(assignment.title.split())}
        body = gettext(
            "Hello %(name)s,\n\nyour answer to “%(title)s” in %(course)s has been graded. "
            "You can read the grade and the feedback here:\n\n%(link)s\n"
        ) % {
            "name": student.get_full_name() or student.get_username(),
            "title": assignment.title,
            "course": assignment.course.name,
            "link": settings.SITE_URL + reverse("grading:my_grade", args=[grade.submission_id]),
        }
    send_mail(subject, body, None, [student.email])
