"""Writing a course's history, in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model

from courses.models import Assignment, Course, CourseEvent, EventKind, Membership


def member_event(*, membership: Membership, by: User | None, action: str, before: str = "", after: str = "") -> None:
    """Somebody came, left, or was given another role."""
    CourseEvent.objects.create(
        course_id=membership.course_id,
        person_id=membership.user_id,
        actor=by,
        kind=EventKind.MEMBERS,
        action=action,
        before={"role": str(before)} if before else {},
        after={"role": str(after)} if after else {},
    )


def settings_event(
    *,
    course: Course,
    by: User | None,
    action: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    assignment: Assignment | None = None,
) -> None:
    """What differs between two `settings_of`; nothing is written where nothing does."""
    changed = [name for name in after if before.get(name) != after[name]]
    if changed:
        CourseEvent.objects.create(
            course=course,
            assignment=assignment,
            actor=by,
            kind=EventKind.SETTINGS,
            action=action,
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed},
        )


def data_event(*, course: Course, by: User | None, action: str, after: Mapping[str, Any]) -> None:
    """Data of a course went: out of the site, or for good. Numbers only."""
    CourseEvent.objects.create(course=course, actor=by, kind=EventKind.DATA, action=action, after=dict(after))


def settings_of(row: Model, names: Iterable[str]) -> dict[str, Any]:
    """The named fields of a row in a form that JSON can keep and that compares."""
    return {name: _plain(row, name) for name in names}


def _plain(row: Model, name: str) -> Any:
    field: Any = row._meta.get_field(name)  # noqa: SLF001
    value = field.to_python(getattr(row, name))
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)
