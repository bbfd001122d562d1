"""Rows to mlcore's dataclasses and back. No torch, no queries of its own beyond what the rows bring along."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django.conf import settings

from courses.models import Assignment
from grading.models import CriterionScore, Grade
from mlcore.schemas import Criterion, Level, Question

CENT = Decimal("0.01")


def rubric_snapshot(assignment: Assignment) -> dict[str, Any]:
    """The assignment as it is marked now: kept with each grade, so that a later change of the rubric hides nothing."""
    rubric = getattr(assignment, "rubric", None)
    criteria = rubric.criteria.prefetch_related("levels") if rubric else []
    return {
        "question": assignment.question,
        "reference_answer": assignment.reference_answer,
        "max_points": str(assignment.max_points),
        "step": assignment.step,
        "language": assignment.language,
        "instructions": assignment.marking_instructions,
        "revision": rubric.revision if rubric else 0,
        "criteria": [
            {
                "id": str(criterion.pk),
                "title": criterion.title,
                "description": criterion.description,
                "points": str(criterion.points),
                "levels": [{"points": str(x.points), "description": x.description} for x in criterion.levels.all()],
            }
            for criterion in criteria
        ],
    }


def question_of(key: str, snapshot: Mapping[str, Any]) -> Question:
    return Question(
        id=key,
        text=snapshot["question"],
        reference_answer=snapshot["reference_answer"],
        max_points=float(snapshot["max_points"]),
        step=float(snapshot["step"]),
        language=snapshot["language"],
        instructions=snapshot["instructions"],
        criteria=tuple(_criterion(entry) for entry in snapshot["criteria"]),
    )


def question_key(assignment: Assignment) -> str:
    return f"assignment-{assignment.pk}"


def _criterion(entry: Mapping[str, Any]) -> Criterion:
    levels = tuple(Level(float(level["points"]), level["description"]) for level in entry["levels"])
    return Criterion(entry["id"], entry["title"], float(entry["points"]), entry["description"], levels)


def on_step(points: float | Decimal, step: Decimal, maximum: Decimal) -> Decimal:
    """The nearest allowed number of points: a multiple of `step`, or the maximum where that is none."""
    wanted = min(max(Decimal(str(points)), Decimal(0)), maximum)
    nearest = (wanted / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step
    if abs(maximum - wanted) < abs(nearest - wanted):
        return maximum
    return min(nearest, maximum).quantize(CENT)


def criterion_rows(grade: Grade, proposed: Mapping[str, float], known: Collection[int]) -> list[CriterionScore]:
    """One unsaved row per criterion of the grade's snapshot, with what the model proposed where it did.

    `known` are the criteria that still exist: the rubric may have changed since the snapshot was taken.
    """
    step = Decimal(grade.rubric_snapshot["step"])
    rows = []
    for position, entry in enumerate(grade.rubric_snapshot["criteria"]):
        maximum = Decimal(entry["points"])
        value, key = proposed.get(entry["id"]), int(entry["id"])
        rows.append(
            CriterionScore(
                grade=grade,
                criterion_id=key if key in known else None,
                position=position,
                title=entry["title"],
                max_points=maximum,
                proposed_points=None if value is None else on_step(value, step, maximum),
            )
        )
    return rows


def training_row(grade: Grade) -> dict[str, Any]:
    """A decided grade as one line of mlcore's JSONL. Names never enter it: the student is a keyed hash."""
    snapshot = grade.rubric_snapshot
    submission = grade.submission
    points = {row.position: row.points for row in grade.criterion_scores.all()}
    criteria = [_criterion_row(entry, points.get(position)) for position, entry in enumerate(snapshot["criteria"])]
    return {
        "id": f"grade-{grade.pk}",
        "question_id": question_key(submission.assignment),
        "question": snapshot["question"],
        "reference_answer": snapshot["reference_answer"],
        "instructions": snapshot["instructions"],
        "criteria": criteria,
        "answer": submission.text,
        "score": float(grade.points or 0),
        "min_score": 0.0,
        "max_score": float(grade.max_points),
        "step": float(snapshot["step"]),
        "language": snapshot["language"],
        "feedback": grade.feedback.text.strip() or None,
        "group": f"course-{submission.assignment.course_id}",
        "student": student_key(submission.student_id),
    }


def _criterion_row(entry: Mapping[str, Any], points: Decimal | None) -> dict[str, Any]:
    levels = [{**level, "points": float(level["points"])} for level in entry["levels"]]
    score = None if points is None else float(points)
    return {**entry, "points": float(entry["points"]), "levels": levels, "score": score}


def student_key(student_id: int) -> str:
    """One student's answers belong together when data is split; who it is cannot be read from the key."""
    return hmac.new(settings.SECRET_KEY.encode(), f"student:{student_id}".encode(), hashlib.sha256).hexdigest()[:16]


def content_hash(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
