"""Rows as the first release kept them: one or more of each of its models, made through its own migrations' models."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.core.files.base import ContentFile

WHEN = datetime(2025, 5, 1, 8, 30, tzinfo=UTC)


def fill(apps: Any, teacher: User, student: User, admin: User) -> dict[str, int]:
    """A course with a released grade, a proposal, a training; the keys of what pages show."""

    def make(label: str, **fields: Any) -> Any:
        return apps.get_model(label).objects.create(**fields)

    course = make("courses.Course", name="Physik über alles", term="2025", language="de")
    for user, role in ((teacher, "teacher"), (student, "student")):
        make("courses.Membership", course=course, user_id=user.pk, role=role)
    fields = {"title": "The sky", "question": "Why is it blue?", "max_points": Decimal(4), "due_at": WHEN}
    assignment = make("courses.Assignment", course=course, **fields)
    rubric = make("courses.Rubric", assignment=assignment, revision=3)
    criterion = make("courses.Criterion", rubric=rubric, title="Light", points=Decimal(4))
    make("courses.Level", criterion=criterion, points=Decimal(2), description="half")
    unmatched = make("courses.UnmatchedFile", assignment=assignment, original_name="who.txt")
    unmatched.original.save("who.txt", ContentFile(b"Somebody's."))
    version = make("grading.ModelVersion", name="v1", state="promoted", **_version())
    old = make("grading.ModelVersion", name="v0", state="retired", **_version())
    make("grading.VersionEvent", version=version, actor_id=admin.pk, action="promoted", after="promoted", note="first")
    make("grading.Worker", name="w", kind="marking", started_at=WHEN, seen_at=WHEN)
    run = make("grading.GradingRun", assignment=assignment, version=version, scope="all", requested_by_id=teacher.pk)
    values = {
        "source": "model",
        "version": version,
        "max_points": Decimal(4),
        "rubric_snapshot": _snapshot(criterion.pk),
    }
    keys = {}
    for state, who in (("released", student), ("proposed", teacher)):
        submission = make(
            "courses.Submission", assignment=assignment, student_id=who.pk, state="ready", source="upload",
            text=f"Ä {state} answer.", submitted_at=WHEN,
        )  # fmt: skip
        submission.original.save("e.txt", ContentFile(b"An essay."))
        job = make("grading.GradingJob", run=run, submission=submission, state="succeeded", finished_at=WHEN)
        grade = make(
            "grading.Grade", submission=submission, job=job, state=state, proposed_points=3, points=2, **values
        )
        make("grading.CriterionScore", grade=grade, criterion=criterion, title="Light", max_points=4, points=2)
        make("grading.Feedback", grade=grade, proposed_text="Gut.", text="Sehr gut!")
        for action in ("proposed", state):
            make("grading.GradeEvent", grade=grade, actor_id=teacher.pk, action=action, after={"points": "2"})
        keys[state] = submission.pk
    released = apps.get_model("grading.Grade").objects.filter(state="released")
    released.update(released_at=WHEN, approved_by=teacher.pk, released_by=teacher.pk)
    kept = make("grading.TrainingSet", name="Past exams", licence="ours")
    row = {"id": "1", "answer": "Ä released answer.", "score": 2.0}
    example = make(
        "grading.TrainingExample", source="released", state="accepted", grade=released.get(), course=course,
        question_key="q", row=row, content_hash="0" * 64,
    )  # fmt: skip
    make(
        "grading.TrainingExample",
        source="uploaded",
        training_set=kept,
        question_key="q",
        row=row,
        content_hash="1" * 64,
    )
    trained = make(
        "grading.TrainingRun", request_key=uuid.uuid4(), state="succeeded", config={}, start_from=old, version=version
    )
    make("grading.TrainingRunExample", run=trained, example=example, content_hash="0" * 64, split="train")
    make("grading.TrainingPoint", run=trained, stage="scorer", step=1, train_loss=0.5)
    return keys | {"course": course.pk, "assignment": assignment.pk, "version": version.pk, "training": trained.pk}


def _version() -> dict[str, Any]:
    parts = {"parts": {"scorer": {}, "feedback": {}}}
    return {"directory": "v", "base_name": "tiny", "base_revision": "r", "quantisation": "nf4", "manifest": parts}


def _snapshot(criterion: int) -> dict[str, Any]:
    entry = {"id": str(criterion), "title": "Light", "description": "", "points": "4.00", "levels": []}
    return {
        "question": "Why is it blue?",
        "reference_answer": "",
        "max_points": "4.00",
        "step": "0.5",
        "language": "en",
        "instructions": "",
        "revision": 3,
        "criteria": [entry],
    }
