"""Sending scores: claimed by compare-and-set, sent outside any transaction, written back only where they still hold."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.utils import timezone
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.exception import LtiException, LtiServiceException
from pylti1p3.grade import Grade as ScoreMessage

from courses.transitions import TransitionLost, move
from grading.models import Grade
from gradingsite.lti.claims import SCORE_SCOPE
from gradingsite.lti.connector import Connector
from gradingsite.lti.http import PlatformAway
from gradingsite.lti.models import Platform, PlatformPerson, Score, ScoreState
from gradingsite.lti.services.scores import released_grade

log = logging.getLogger(__name__)
BUSY_SECONDS = 60  # then other messages get their turn; beat comes again
LEASE = timedelta(minutes=5)
FIRST_WAIT, LONGEST_WAIT = 30, 6 * 3600  # seconds
MOST_TRIES = 12  # about a day
# What the platform will say again to the same message.
FINAL = frozenset({400, 404, 405, 410, 413, 415, 422})
LONGEST_COMMENT = 10_000


def scores_send_due() -> int:
    """Send for a while what is due; the number of rows that were taken up."""
    scores_release_stale()
    post, end = Post(), time.monotonic() + BUSY_SECONDS
    taken = 0
    while time.monotonic() < end:
        due = Score.objects.due(timezone.now()).exclude(link__context__platform__in=post.silent)
        row = due.select_related("link__context__platform").order_by("next_at", "pk").first()
        if row is None:
            break
        taken += _take(row, post)
    return taken


@dataclass
class Post:
    """One round: a token for each platform, and the platforms that let us wait, which are left alone until the next."""

    connectors: dict[int, Connector] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)

    def to(self, platform: Platform) -> Connector:
        if platform.pk not in self.connectors:
            self.connectors[platform.pk] = Connector(platform)
        return self.connectors[platform.pk]


def scores_release_stale() -> int:
    """Rows of workers that were lost. Sending the same score twice does no harm."""
    lost = Score.objects.filter(state=ScoreState.SENDING, claimed_at__lt=timezone.now() - LEASE)
    released = 0
    for row in lost:
        try:
            move(row, ScoreState.QUEUED, guard={"claimed_at": row.claimed_at}, next_at=timezone.now())
            released += 1
        except TransitionLost:
            continue
    return released


def _take(row: Score, post: Post) -> bool:
    now = timezone.now()
    try:
        move(row, ScoreState.SENDING, claimed_at=now, tries=F("tries") + 1)
    except TransitionLost:
        return False
    row.refresh_from_db(fields=["wanted", "tries", "claimed_at"])
    platform = row.link.context.platform
    try:
        _send(row, post.to(platform))
    except PlatformAway as error:
        if error.reason in ("silent", "endless"):
            post.silent.add(platform.pk)
        _failed(row, error.reason, error.status)
    except LtiServiceException as error:
        post.connectors.pop(platform.pk, None)  # its token may be what was wrong
        _failed(row, "refused", error.response.status_code)
    except (LtiException, ValueError, TypeError, KeyError, AttributeError):
        _failed(row, "nonsense", None)
    return True


def _send(row: Score, connector: Connector) -> None:
    person = PlatformPerson.objects.filter(platform=connector.platform, user=row.student_id).first()
    if person is None:
        _end(row, ScoreState.WAITING, trouble="no_person")
        return
    grade = released_grade(row.link.assignment_id, row.student_id)
    if grade is None and row.sent_at is None:
        _end(row, ScoreState.SENT)  # withdrawn before it was ever sent
        return
    settings: Any = {"scope": [SCORE_SCOPE], "lineitem": row.link.line_item}
    service = AssignmentsGradesService(connector, settings)
    service.put_grade(score_message(grade, person.sub, feedback=connector.platform.sends_feedback))
    points = grade.points if grade else None
    _end(row, ScoreState.SENT, sent_at=timezone.now(), sent_points=points)


def score_message(grade: Grade | None, sub: str, *, feedback: bool) -> ScoreMessage:
    """Without a released grade the message has no points, by which the standard takes back what was sent before."""
    message = ScoreMessage().set_user_id(sub).set_timestamp(timezone.now().isoformat(timespec="milliseconds"))
    if grade is None:
        return message.set_activity_progress("Submitted").set_grading_progress("Pending")
    message.set_activity_progress("Completed").set_grading_progress("FullyGraded")
    message.set_score_given(float(grade.points or Decimal(0))).set_score_maximum(float(grade.max_points))
    if feedback and grade.feedback.text.strip():
        message.set_comment(grade.feedback.text.strip()[:LONGEST_COMMENT])
    return message


def _failed(row: Score, trouble: str, status: int | None) -> None:
    if status in FINAL or row.tries >= MOST_TRIES:
        _end(row, ScoreState.FAILED, trouble=trouble, status=status)
    else:
        wait = min(FIRST_WAIT * 2 ** (row.tries - 1), LONGEST_WAIT)
        _end(row, ScoreState.QUEUED, trouble=trouble, status=status, next_at=timezone.now() + timedelta(seconds=wait))
    log.warning("score %s: %s %s, try %s", row.pk, trouble, status or "", row.tries)


def _end(row: Score, to: str, **fields: object) -> None:
    """Where the grade was changed meanwhile, what was sent is not the last word: the row stays in the queue."""
    fields = {"trouble": "", "status": None, **fields}
    held = {"claimed_at": row.claimed_at}
    try:
        move(row, to, guard={**held, "wanted": row.wanted}, **fields)
    except TransitionLost:
        sent = {name: fields[name] for name in ("sent_at", "sent_points") if name in fields}
        try:
            move(row, ScoreState.QUEUED, guard=held, next_at=timezone.now(), tries=0, **sent)
        except TransitionLost:
            return  # a sweeper took it back, or its student is gone
