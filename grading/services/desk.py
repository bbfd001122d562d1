"""Small writes of the desk: who has a paper open, and flags."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from courses.models import Submission
from grading.models import Presence, SubmissionFlag

PRESENT_FOR = timedelta(seconds=45)


def presence_renew(*, submission: Submission, user: User) -> list[User]:
    """Say that `user` has the submission open for the next while; the others who have it open too."""
    now = timezone.now()
    Presence.objects.update_or_create(submission=submission, user=user, defaults={"seen_at": now})
    Presence.objects.filter(submission=submission, seen_at__lt=now - PRESENT_FOR).delete()
    others = submission.presences.exclude(user=user).select_related("user")
    return [presence.user for presence in others.order_by("pk")]


def presence_end(*, submission: Submission, user: User) -> None:
    Presence.objects.filter(submission=submission, user=user).delete()


def flag_toggle(*, submission: Submission, by: User) -> bool:
    """Set the flag or take it away; whether it is set now."""
    if SubmissionFlag.objects.filter(submission=submission).delete()[0]:
        return False
    try:
        with transaction.atomic():
            SubmissionFlag.objects.create(submission=submission, by=by)
    except IntegrityError:
        pass  # somebody else flagged it at the same moment
    return True
