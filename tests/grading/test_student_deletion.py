"""After a deletion the text is nowhere: not in the database, not in a file, not in the next training set."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from grading.models import (
    Grade,
    GradeEvent,
    ModelVersion,
    TrainingExample,
    TrainingRun,
    TrainingRunExample,
    TrainingSet,
)
from grading.services.backups import models_kept
from grading.services.examples import examples_accept
from grading.services.student_deletion import NotAStudent, deletion_preview, student_delete
from grading.services.training import training_directory, usable_examples
from grading.services.training_sets import training_set_upload
from tests.grading.factories import make_assignment, make_course, make_grade, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "Zebrafish glow under moonlight."
OTHER = "Somebody else's own words."


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> Path:
    settings.MARGINALIA_TRAINING_DIR = tmp_path / "training"
    return tmp_path


@pytest.fixture
def by() -> User:
    return make_user("admin", is_staff=True)


def graded(text: str) -> Grade:
    submission = make_submission(make_assignment(), text)
    submission.original.save("e.txt", ContentFile(text.encode()))
    grade = make_grade(submission, "released", points=1, feedback=f"About: {text}")
    GradeEvent.objects.create(grade=grade, action="changed", before={"feedback": f"About: {text}"})
    examples_accept(grade_ids=[grade.pk])
    return grade


def trained(*examples: TrainingExample, split: str = "train", **fields: Any) -> TrainingRun:
    values = {"state": "succeeded", "version": make_version("candidate"), "config": {}, **fields}
    run = TrainingRun.objects.create(request_key=uuid.uuid4(), **values)
    for row in examples:
        TrainingRunExample.objects.create(run=run, example=row, content_hash=row.content_hash, split=split)
    path = training_directory(run) / "train.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row.row) + "\n" for row in examples), encoding="utf-8")
    return run


def holding(word: str, root: Path) -> tuple[list[str], list[Path]]:
    """Tables and files in which a word stands."""
    tables = [m._meta.label for m in models_kept() if word in serializers.serialize("json", m._base_manager.all())]
    return tables, [path for path in root.rglob("*") if path.is_file() and word in path.read_text("utf-8")]


def test_the_text_is_nowhere_and_what_is_others_stays(places: Path, by: User) -> None:
    grade, other = graded(TEXT), graded(OTHER)
    row = {"id": "1", "question_id": "1", "question": "Why?", "answer": f" {TEXT.upper()} ", "score": 1}
    training_set_upload(by=by, name="set", licence="", data=json.dumps(row).encode())
    trained(*TrainingExample.objects.all())
    student, course = grade.submission.student, grade.submission.assignment.course
    preview = deletion_preview(student=student)
    assert (preview.files, preview.examples, len(preview.versions)) == (1, 2, 1)
    assert len(holding("oonlight", places)[1]) == 2
    assert student_delete(student=student, by=by) == preview
    for word in ("oonlight", "OONLIGHT", student.email):
        assert holding(word, places) == ([], [])
    assert list(usable_examples([course], TrainingSet.objects.all())) == []
    assert Grade.objects.get().pk == other.pk
    assert len(holding("Somebody else", places)[1]) == 2
    assert TrainingExample.objects.get().grade_id == other.pk


def test_versions_trained_on_it_and_those_that_went_on_from_them_say_so(by: User, client: Client) -> None:
    grade, other = graded(TEXT), graded(OTHER)
    mine, others = TrainingExample.objects.get(grade=grade), TrainingExample.objects.get(grade=other)
    first = trained(mine)
    later = trained(others, start_from=first.version)
    untouched = [trained(others), trained(mine, split="held_out")]
    student_delete(student=grade.submission.student, by=by)
    marked = set(ModelVersion.objects.filter(events__action="data_deleted"))
    assert marked == {first.version, later.version}
    client.force_login(by, backend="gradingsite.accounts.EmailBackend")
    words = "trained on data since deleted"
    assert words in client.get(reverse("grading:version", args=[first.version_id])).content.decode()
    assert words not in client.get(reverse("grading:version", args=[untouched[0].version_id])).content.decode()


def test_a_training_under_way_on_it_is_ended(by: User) -> None:
    grade = graded(TEXT)
    run = trained(TrainingExample.objects.get(), state="queued", version=None)
    student_delete(student=grade.submission.student, by=by)
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_teachers_and_admins_are_not_deleted_here(by: User) -> None:
    teacher = make_user()
    make_course(teacher)
    for person in (by, teacher):
        with pytest.raises(NotAStudent):
            student_delete(student=person, by=by)
    assert User.objects.count() == 2


def test_an_admin_sees_what_will_go_and_deletes_it(by: User, client: Client) -> None:
    student = graded(TEXT).submission.student
    client.force_login(by, backend="gradingsite.accounts.EmailBackend")
    assert student.email in client.get(reverse("grading:people"), {"q": student.first_name}).content.decode()
    assert "Delete everything" in client.get(reverse("grading:person", args=[student.pk])).content.decode()
    assert client.post(reverse("grading:person_delete", args=[student.pk])).status_code == 302
    assert not User.objects.filter(pk=student.pk).exists()
