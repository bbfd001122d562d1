"""Open grades that were given by an earlier form of their assignment: they are shown as stale."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from courses.models import Assignment
from grading.mapping import rubric_snapshot
from grading.models import Grade


def is_stale(grade: Grade, now: Mapping[str, Any]) -> bool:
    """Whether the assignment says something else now (`now` is its snapshot) than when the grade was made."""
    return _said(grade.rubric_snapshot) != _said(now) or points_differ(grade, now)


def points_differ(grade: Grade, now: Mapping[str, Any]) -> bool:
    """Whether the grade's points are on another scale than the assignment's of today."""
    return _scale(grade.rubric_snapshot) != _scale(now)


def stale_grades(assignment: Assignment) -> list[Grade]:
    """The open grades that do not fit the assignment as it is now."""
    now = rubric_snapshot(assignment)
    rows = Grade.objects.open().filter(submission__assignment=assignment).exclude(submission__state="superseded")
    return [row for row in rows.only("pk", "state", "rubric_snapshot", "submission_id") if is_stale(row, now)]


def _said(snapshot: Mapping[str, Any]) -> list[Any]:
    words = [(entry["id"], entry["title"], entry["description"]) for entry in snapshot.get("criteria", [])]
    levels = [
        [(Decimal(level["points"]), level["description"]) for level in entry["levels"]]
        for entry in snapshot.get("criteria", [])
    ]
    return [*(snapshot.get(name, "") for name in ("question", "reference_answer", "instructions")), words, levels]


def _scale(snapshot: Mapping[str, Any]) -> list[Any]:
    criteria = [(entry["id"], Decimal(entry["points"])) for entry in snapshot.get("criteria", [])]
    return [Decimal(str(snapshot.get("max_points", 0))), Decimal(str(snapshot.get("step", 1))), criteria]
