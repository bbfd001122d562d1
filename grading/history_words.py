"""A line of any history in words: what was done, and what was there before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.dateparse import parse_datetime
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from courses.models import Assignment, Course, CourseEvent, Role
from courses.templatetags.courses_tags import when
from grading.models import GradeEvent, VersionEvent
from grading.templatetags.grading_words import action_words, change_words

SHOWN = 80  # characters of a text that was changed

_COURSE = {
    "member_added": _("added"),
    "member_removed": _("taken out of the course"),
    "role_changed": _("given another role"),
    "course_changed": _("changed the course"),
    "assignment_made": _("made the assignment"),
    "assignment_changed": _("changed the assignment"),
    "rubric_changed": _("changed the rubric"),
    "release_planned": _("planned the release"),
    "consent_changed": _("answers for research"),
    "research_export": _("exported for research"),
    "student_deleted": _("deleted a student's data"),
    "platform_linked": _("linked with a course of a learning platform"),
    "platform_unlinked": _("unlinked from a course of a learning platform"),
    "platform_link_set": _("linked with a link of a learning platform"),
    "retention_swept": _("deleted at the end of the retention period"),
}
_VERSION = {
    "registered": _("registered"),
    "promoted": _("put in use"),
    "replaced": _("replaced"),
    "overruled": _("put in use against what was measured"),
    "retired": _("retired"),
    "rejected": _("rejected"),
    "data_deleted": _("marked: trained on data since deleted"),
}
_NAMES = {
    "role": _("role"),
    "release_at": _("release"),
    "rubric": _("rubric"),
    "revision": _("revision"),
    "consent": _("agreed"),
    "students": _("students"),
    "answers": _("answers"),
    "grades": _("grades"),
    "examples": _("training examples"),
    "files": _("files"),
    "platform": _("platform"),
}


@dataclass(frozen=True)
class Words:
    """What was done, what it changed, and why where somebody said so."""

    action: str
    changes: str = ""
    note: str = ""


def words_of(event: GradeEvent | CourseEvent | VersionEvent) -> Words:
    if isinstance(event, GradeEvent):
        return Words(action_words(event), change_words(event), event.note)
    if isinstance(event, VersionEvent):
        return Words(str(_VERSION.get(event.action, event.action)), note=event.note)
    return Words(str(_COURSE.get(event.action, event.action)), _changes(event.before, event.after))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return ", ".join(_change(name, before, after) for name in {**before, **after})


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    values = [_value(name, side[name]) for side in (before, after) if name in side]
    return f"{_name(name)} {' → '.join(values)}"


def _name(name: str) -> str:
    if name in _NAMES:
        return str(_NAMES[name])
    for model in (Assignment, Course):
        try:
            return str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # noqa: SLF001
        except FieldDoesNotExist:
            continue
    return name


def _value(name: str, value: Any) -> str:
    if name == "role":
        return str(dict(Role.choices).get(value, value))
    if name.endswith("_at") and (moment := parse_datetime(str(value))):
        return when(moment)
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if value is None or value == "":
        return "–"
    return Truncator(" ".join(str(value).split())).chars(SHOWN)
