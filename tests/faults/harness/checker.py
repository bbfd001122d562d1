"""Compares what the site holds at the end with the model of what it accepted. A finding is a line of words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from courses.models import Submission, SubmissionState
from grading.models import Grade, GradeEvent, GradingJob, GradingRun, ModelVersion, TrainingRun
from grading.models.training import ACTIVE_TRAINING_STATES
from tests.faults.harness.model import Model

ANSWER = re.compile(r"ANS-[0-9a-f]{32}")
MARK = re.compile(r"FB-[0-9a-f]{32}")


@dataclass
class Checker:
    model: Model
    versions_before: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    leaked: list[str] = field(default_factory=list)

    def check(self) -> None:
        self.uploads()
        self.jobs()
        self.grades()
        self.histories()
        self.trainings()
        self.seen()

    def uploads(self) -> None:
        rows = Submission.objects.in_bulk()
        for token, sent in self.model.uploads.items():
            row = rows.get(sent.pk)
            if row is None or row.student.username != sent.student or row.assignment_id != sent.assignment:
                self.lost.append(f"answer {sent.pk} of {sent.student} ({token})")
            elif row.state not in (SubmissionState.READY, SubmissionState.SUPERSEDED) or row.text != _clean(
                sent.content
            ):
                self.lost.append(f"the text of answer {sent.pk}: {row.state} {row.unreadable_reason}")
            elif sent.file and _bytes(row) != sent.content:
                self.lost.append(f"the file of answer {sent.pk}")
        tokens = Counter(token for row in rows.values() for token in set(ANSWER.findall(row.text)))
        self.doubled += [f"answer {token}: {count} times" for token, count in tokens.items() if count > 1]
        known = set(self.model.uploads) | self.model.unsure
        self.doubled += [f"answer {token}, which nobody sent" for token in set(tokens) - known]
        half = Submission.objects.filter(state=SubmissionState.RECEIVED).count()
        self.lost += [f"{half} answers were left half taken"] if half else []

    def jobs(self) -> None:
        active = GradingJob.objects.active().count()
        self.lost += [f"{active} jobs never ended"] if active else []
        gone = self.model.runs - set(GradingRun.objects.values_list("pk", flat=True))
        self.lost += [f"grading run {pk}" for pk in gone]
        for job in GradingJob.objects.filter(state="succeeded", grade=None):
            self.lost.append(f"the grade of job {job.pk}")
        for grade in Grade.objects.filter(job__isnull=False).exclude(job__state="succeeded"):
            self.doubled.append(f"grade {grade.pk} was written by a job that had not the right: {grade.job_id}")

    def grades(self) -> None:
        rows = Grade.objects.select_related("feedback", "submission").in_bulk()
        for pk, approvals in self.model.approvals.items():
            sure = [number for number, entry in enumerate(approvals) if entry.sure]
            if not sure:
                continue
            possible = approvals[sure[-1] :]
            grade = rows.get(pk)
            if grade is None:
                self.lost.append(f"grade {pk}")
                continue
            points = grade.proposed_points if grade.points is None else grade.points
            held = set(MARK.findall(grade.feedback.text))
            if not any(points == Decimal(e.points) and held == {e.mark} for e in possible):
                self.lost.append(f"what a teacher gave in grade {pk}: {points}, {grade.state}")
        for pk in self.model.must_be_released:
            grade = rows[pk]
            if grade.state not in ("released", "superseded") and grade.submission.state != "superseded":
                self.lost.append(f"the release of grade {pk}: {grade.state}")

    def histories(self) -> None:
        """Played from its first line, a grade's history gives the state that the grade is in."""
        events: dict[int, list[GradeEvent]] = defaultdict(list)
        for event in GradeEvent.objects.order_by("pk"):
            events[event.grade_id].append(event)
        for grade in Grade.objects.all():
            state = ""
            for event in events[grade.pk]:
                if event.before.get("state", state) != state:
                    self.lost.append(f"a line of the history of grade {grade.pk} before “{event.action}”")
                state = event.after.get("state", state)
            if state != grade.state:
                self.lost.append(f"a line of the history of grade {grade.pk}: {state}, {grade.state}")
            begun = [event for event in events[grade.pk] if event.action == "proposed"]
            self.doubled += [f"the proposal of grade {grade.pk}"] if len(begun) > 1 else []
            released = [event for event in events[grade.pk] if event.action == "released"]
            self.doubled += [f"the release of grade {grade.pk}"] if len(released) > 1 else []

    def trainings(self) -> None:
        runs = TrainingRun.objects.all()
        self.lost += [f"training {pk}" for pk in self.model.trainings - {run.pk for run in runs}]
        self.lost += [f"training {run.pk} never ended" for run in runs if run.state in ACTIVE_TRAINING_STATES]
        good = [run for run in runs if run.state == "succeeded"]
        self.lost += [f"the version of training {run.pk}" for run in good if run.version is None]
        if ModelVersion.objects.count() != self.versions_before + len(good):
            self.doubled.append(f"{ModelVersion.objects.count()} versions of {len(good)} trainings")

    def seen(self) -> None:
        """What students were shown, against when it was released to them."""
        of_mark, of_submission = _releases()
        owners = {
            token: row.student.username
            for row in Submission.objects.select_related("student")
            for token in ANSWER.findall(row.text)
        }
        never = (datetime.max.replace(tzinfo=UTC), "nobody")
        for look in self.model.seen:
            when, owner = of_submission.get(look.submission, never)
            if look.graded and (owner != look.student or when > look.until):
                self.leaked.append(f"{look.student} saw the grade of answer {look.submission}")
            for mark in look.marks:
                if mark.startswith("ANS-"):
                    if owners.get(mark) != look.student:
                        self.leaked.append(f"{look.student} saw the answer of {owners.get(mark)}")
                    continue
                when, owner = of_mark.get(mark, never)
                if owner != look.student or when > look.until:
                    self.leaked.append(f"{look.student} saw {mark} before its release")


def _releases() -> tuple[dict[str, tuple[datetime, str]], dict[int, tuple[datetime, str]]]:
    """When, and to whom, each feedback and each answer's first grade was released."""
    marks: dict[str, tuple[datetime, str]] = {}
    submissions: dict[int, tuple[datetime, str]] = {}
    rows = GradeEvent.objects.filter(action="released").select_related("grade__submission__student", "grade__feedback")
    for event in rows.order_by("-pk"):
        entry = (event.at, event.grade.submission.student.username)
        submissions[event.grade.submission_id] = entry
        marks |= dict.fromkeys(MARK.findall(event.grade.feedback.text), entry)
    return marks, submissions


def _clean(content: bytes) -> str:
    from courses.extraction import clean_text

    return clean_text(content.decode())


def _bytes(row: Submission) -> bytes:
    path = Path(row.original.path) if row.original else None
    return path.read_bytes() if path is not None and path.exists() else b""


def rowless_files() -> int:
    """Files of hand-ins that broke off between the writing of the file and that of the row."""
    kept = {Path(str(name)).name for name in Submission.objects.exclude(original="").values_list("original", flat=True)}
    return len({path.name for path in Path(settings.MEDIA_ROOT, "originals").glob("*")} - kept)
