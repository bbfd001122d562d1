"""Releases at a time that a teacher set."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.errors import UserError
from courses.models import Assignment
from courses.services.history import settings_event
from courses.transitions import TransitionLost, move
from grading.exceptions import PlanIsPast, PlannerLeft, PlanOver
from grading.models import ReleasePlan, ReleasePlanState
from grading.services.release import grades_release

log = logging.getLogger(__name__)


def release_plan_set(*, assignment: Assignment, by: User, at: datetime) -> ReleasePlan:
    """Plan the release of an assignment's approved grades; an earlier plan is called off.

    Raises:
        PlanIsPast: the time is not in the future.
    """
    now = timezone.now()
    if at <= now:
        raise PlanIsPast
    with transaction.atomic():
        Assignment.objects.select_for_update().get(pk=assignment.pk)
        for plan in ReleasePlan.objects.filter(assignment=assignment, state=ReleasePlanState.PLANNED):
            _end(plan, ReleasePlanState.CANCELLED)
            _write_down(plan, by, before=plan.at, after=None)
        made = ReleasePlan.objects.create(assignment=assignment, by=by, at=at)
        _write_down(made, by, before=None, after=at)
    return made


@transaction.atomic
def release_plan_cancel(*, plan: ReleasePlan, by: User | None = None) -> None:
    """Call a planned release off.

    Raises:
        PlanOver: it happened, failed or was called off meanwhile.
    """
    _end(plan, ReleasePlanState.CANCELLED)
    _write_down(plan, by, before=plan.at, after=None)


def _write_down(plan: ReleasePlan, by: User | None, *, before: datetime | None, after: datetime | None) -> None:
    settings_event(
        course=plan.assignment.course,
        assignment=plan.assignment,
        by=by,
        action="release_planned",
        before={"release_at": before.isoformat() if before else None},
        after={"release_at": after.isoformat() if after else None},
    )


def releases_due() -> int:
    """Do the releases whose time has come; the number of grades released. Two workers release once: whoever moves the
    plan first, and the grades move in the same transaction."""
    due = ReleasePlan.objects.filter(state=ReleasePlanState.PLANNED, at__lte=timezone.now())
    return sum(_release(plan) for plan in due.select_related("assignment", "by").order_by("at", "pk"))


def _release(plan: ReleasePlan) -> int:
    try:
        with transaction.atomic():
            _end(plan, ReleasePlanState.DONE)
            if plan.by is None or not _may_release(plan.by, plan.assignment):
                raise PlannerLeft
            released = grades_release(assignment=plan.assignment, by=plan.by)
            ReleasePlan.objects.filter(pk=plan.pk).update(released=released)
            return released
    except PlanOver:
        return 0
    except UserError as error:
        log.warning("planned release %s: %s", plan.pk, error.code)
        plan.refresh_from_db()
        if plan.state == ReleasePlanState.PLANNED:
            _end(plan, ReleasePlanState.FAILED, error_code=error.code)
        return 0


def _may_release(person: User, assignment: Assignment) -> bool:
    return person.is_active and Assignment.objects.managed_by(person).filter(pk=assignment.pk).exists()


def _end(plan: ReleasePlan, to: str, **fields: Any) -> None:
    if plan.state != ReleasePlanState.PLANNED:
        raise PlanOver
    try:
        move(plan, to, ended_at=timezone.now(), **fields)
    except TransitionLost as error:
        raise PlanOver from error
