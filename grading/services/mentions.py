"""Where staff named a student outside of that student's own rows: in histories, notes, saved comments, file names.

A deletion takes the name out there too. Other students' answers and released feedback are theirs and are left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from courses.models import Course, Membership, Submission, UnmatchedFile
from grading.models import Grade, GradeEvent, SavedComment, SecondMark, VersionEvent

MARK = "[deleted]"
# What staff wrote for each other: the fields, and whose and which course's row it is. Only in the student's own
# courses: elsewhere the name may be somebody else's.
_WRITTEN: tuple[tuple[type[Model], tuple[str, ...], str, str], ...] = (
    (GradeEvent, ("note", "before", "after"), "grade__submission__student", "grade__submission__assignment__course"),
    (VersionEvent, ("note",), "", ""),
    (SavedComment, ("text",), "", "course"),
    (Grade, ("internal_note",), "submission__student", "submission__assignment__course"),
    (SecondMark, ("note",), "grade__submission__student", "grade__submission__assignment__course"),
)


def mentions_count(student: User) -> int:
    return sum(1 for _found in _mentions(student))


def mentions_erase(student: User) -> int:
    """Take the name out; the number of texts. Histories must be unlocked."""
    found = list(_mentions(student))
    for row, name, text in found:
        rows = type(row)._base_manager.filter(pk=row.pk)  # noqa: SLF001
        if isinstance(row, SavedComment) and row.course.saved_comments.filter(text=text).exists():
            rows.delete()  # a course has each comment once
        else:
            rows.update(**{name: text})
    return len(found)


def courses_of(student: User) -> QuerySet[Course]:
    """Where the student is or was."""
    # Not by joins: those would look at every submission of every course.
    member = Membership.objects.filter(user=student).values("course")
    wrote = Submission.objects.filter(student=student).values("assignment__course")
    return Course.objects.filter(Q(pk__in=member) | Q(pk__in=wrote))


def files_named_after(student: User) -> QuerySet[UnmatchedFile]:
    """Files that wait for a teacher and carry the student's whole name or address in their own."""
    first, last = student.first_name.strip(), student.last_name.strip()
    named = Q(original_name__icontains=first) & Q(original_name__icontains=last) if first and last else Q(pk__in=[])
    if student.email:
        named |= Q(original_name__icontains=student.email)
    return UnmatchedFile.objects.filter(named, assignment__course__in=courses_of(student))


def _mentions(student: User) -> Iterator[tuple[Any, str, Any]]:
    """Rows of others, the field, and what it says without the name."""
    words = _words(student)
    if not words:
        return
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.I)
    courses = list(courses_of(student).values_list("pk", flat=True))
    for model, fields, own, course in _WRITTEN:
        rows = model._base_manager.filter(_holding(fields, words))  # noqa: SLF001
        rows = rows.exclude(**{own: student}) if own else rows
        rows = rows.filter(**{f"{course}__in": courses}) if course else rows
        for row in rows.order_by("pk"):
            for name in fields:
                value = getattr(row, name)
                text = _without(pattern, value)
                if text != value:
                    yield row, name, text


def _holding(fields: tuple[str, ...], words: list[str]) -> Q:
    """Rows in which the database finds one of the words; inside of JSON some databases keep letters escaped."""
    found = Q()
    for name in fields:
        for word in {*words, *(json.dumps(word)[1:-1] for word in words)}:
            found |= Q(**{f"{name}__icontains": word})
    return found


def _without(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str):
        return pattern.sub(MARK, value)
    if not value:
        return value
    if not pattern.search(json.dumps(value, ensure_ascii=False)):
        return value
    if isinstance(value, dict):
        return {key: _without(pattern, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(pattern, inner) for inner in value]
    return value


def _words(student: User) -> list[str]:
    """The whole name both ways round, and the addresses: a first name alone may be anybody's."""
    first, last = student.first_name.strip(), student.last_name.strip()
    names = [f"{first} {last}", f"{last}, {first}", f"{last} {first}"] if first and last else []
    return [*names, *{student.email, student.username} - {""}]
