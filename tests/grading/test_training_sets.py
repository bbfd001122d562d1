"""Uploaded sets: every wrong line is named, and a set can be deleted unless a run that goes on uses it."""

from __future__ import annotations

import json
import uuid

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from grading.exceptions import TrainingSetInUse, TrainingSetRefused
from grading.models import TrainingExample, TrainingRun, TrainingSet, TrainingState
from grading.services import training_run_start, training_set_delete, training_set_upload
from grading.services.training_sets import MOST_FAULTS

GOOD = {"question": "Why?", "answer": "So.", "score": 1}


def lines(*rows: object) -> bytes:
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


@pytest.fixture
def training_set(admin: User) -> TrainingSet:
    rows = (
        {"question_id": f"q{i % 5}", "question": f"Why {i % 5}?", "answer": f"So {i}.", "score": 1} for i in range(40)
    )
    return training_set_upload(by=admin, name="Past exams", licence="", data=lines(*rows))


@pytest.fixture
def run(admin: User, training_set: TrainingSet) -> TrainingRun:
    return training_run_start(
        by=admin,
        request_key=uuid.uuid4(),
        courses=[],
        training_sets=[training_set],
        parts=["scorer"],
        method="qlora",
        rank=4,
        learning_rate=2e-4,
        epochs=1.0,
    )


def test_all_wrong_lines_of_a_file_are_named(client: Client, admin: User) -> None:
    client.force_login(admin)
    same = {**GOOD, "id": "a"}
    data = lines(GOOD, "not json", {"question": "Why?", "answer": "So."}, {**GOOD, "score": 7}, "[]", same, same)
    form = {"name": "Mixed", "licence": "", "file": SimpleUploadedFile("rows.jsonl", data)}
    page = client.post(reverse("grading:training_sets"), {**form, "licence": "own"}).content.decode()
    assert "5 lines are wrong" in page
    for words in (
        "line 2: not readable JSON",
        "line 3: the row “3” has no score",
        "line 4: score 7.0 lies outside",
        "line 5: not a JSON object",
        "line 7: the id “a” was used in line 6",
    ):
        assert words in page
    assert "line 1:" not in page
    assert not TrainingSet.objects.exists()


def test_the_names_of_wrong_lines_end_somewhere(admin: User) -> None:
    with pytest.raises(TrainingSetRefused, match=f"more than {MOST_FAULTS} lines") as refused:
        training_set_upload(by=admin, name="All wrong", licence="", data=lines(*["no"] * (MOST_FAULTS + 200)))
    assert len(refused.value.details["lines"]) == MOST_FAULTS


def test_one_wrong_line_is_told_as_before(admin: User) -> None:
    with pytest.raises(TrainingSetRefused, match="line 2") as refused:
        training_set_upload(by=admin, name="One wrong", licence="", data=lines(GOOD, "no", GOOD))
    assert "lines" not in refused.value.details


def test_a_set_is_deleted_after_a_question(client: Client, admin: User, training_set: TrainingSet) -> None:
    client.force_login(admin)
    address = reverse("grading:training_set_delete", args=[training_set.pk])
    assert address in client.get(reverse("grading:training_sets")).content.decode()
    asked = client.get(address).content.decode()
    assert "Its 40 answers are deleted" in asked
    assert TrainingSet.objects.exists()
    page = client.post(address, follow=True).content.decode()
    assert "“Past exams” was deleted" in page
    assert not TrainingSet.objects.exists()
    assert not TrainingExample.objects.exists()
    assert client.post(address).status_code == 404


@pytest.mark.parametrize("state", [TrainingState.QUEUED, TrainingState.PREPARING, TrainingState.TRAINING])
def test_a_set_that_a_run_uses_now_stays(
    client: Client, admin: User, training_set: TrainingSet, run: TrainingRun, state: str
) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(state=state)
    with pytest.raises(TrainingSetInUse):
        training_set_delete(training_set=training_set, by=admin)
    client.force_login(admin)
    page = client.post(reverse("grading:training_set_delete", args=[training_set.pk]), follow=True).content.decode()
    assert "a training that has not ended uses it" in page
    assert training_set.examples.count() == 40


def test_what_a_run_saw_stays_known_by_its_hashes(admin: User, training_set: TrainingSet, run: TrainingRun) -> None:
    seen = sorted(training_set.examples.values_list("content_hash", flat=True))
    TrainingRun.objects.filter(pk=run.pk).update(state=TrainingState.SUCCEEDED)
    training_set_delete(training_set=training_set, by=admin)
    kept = run.run_examples.all()
    assert sorted(entry.content_hash for entry in kept) == seen
    assert {entry.example_id for entry in kept} == {None}
