from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from courses.transitions import TransitionLost
from grading import runtime_training
from grading.exceptions import RunIsOver, TooFewExamples, TrainingSetRefused, TrainingSettingsRefused
from grading.models import ExampleState, ModelVersion, TrainingExample, TrainingRun, TrainingState
from grading.runtime_training import ProgressWriter
from grading.services import (
    grades_release,
    training_run_cancel,
    training_run_start,
    training_set_upload,
    version_register,
)
from grading.services import training_work as work
from grading.services.training import result_name
from mlcore.config import TrainConfig, TrainProgress, TrainTask
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_assignment, make_course, make_grade, make_submission


def rows(number: int, questions: int = 2) -> bytes:
    lines = [
        {
            "id": str(i),
            "question_id": f"q{i % questions}",
            "question": f"Why {i % questions}?",
            "answer": f"Because of {i}.",
            "score": i % 3,
            "max_score": 2,
            "feedback": "Yes." if i % 2 else None,
        }
        for i in range(number)
    ]
    return "\n".join(json.dumps(line) for line in lines).encode()


@pytest.fixture
def training_set(teacher):
    return training_set_upload(by=teacher, name="Past exams", licence="CC BY 4.0", data=rows(30))


def start(by, training_sets=(), **changes: Any) -> TrainingRun:
    fields: dict[str, Any] = {
        "request_key": uuid.uuid4(),
        "courses": [],
        "parts": ["scorer"],
        "method": "qlora",
        "rank": 4,
        "learning_rate": 2e-4,
        "epochs": 1,
    }
    return training_run_start(by=by, training_sets=training_sets, **{**fields, **changes})


def test_a_run_freezes_examples_split_configuration_and_seed(teacher, training_set):
    run = start(teacher, [training_set])
    sides = list(run.run_examples.values_list("split", flat=True))
    assert len(sides) == 30
    assert {"train", "validation", "held_out"} == set(sides)
    assert run.config["split_by"] == "answer"
    assert run.config["licences"] == ["Past exams: CC BY 4.0"]
    assert (run.config["lora"]["rank"], run.config["learning_rate"]) == (4, 2e-4)
    assert run.code_version
    assert all(entry.content_hash == entry.example.content_hash for entry in run.run_examples.all())


def test_a_second_click_gives_the_same_run(teacher, training_set):
    key = uuid.uuid4()
    assert start(teacher, [training_set], request_key=key) == start(teacher, [training_set], request_key=key)
    assert TrainingRun.objects.count() == 1


def test_it_takes_the_released_grades_of_the_chosen_courses_only(teacher):
    course, other = make_course(teacher), make_course()
    for where, number in ((course, 14), (other, 3)):
        assignment = make_assignment(where)
        for _ in range(number):
            make_grade(make_submission(assignment), "approved", points=Decimal(2))
        grades_release(assignment=assignment, by=teacher)
    run = start(teacher, courses=[course])
    assert {entry.example.course for entry in run.run_examples.all()} == {course}
    assert run.run_examples.count() == 14


def test_it_refuses_too_few_examples_and_says_how_many_there_are(teacher):
    few = training_set_upload(by=teacher, name="Few", licence="", data=rows(5))
    with pytest.raises(TooFewExamples, match="5 marked answers"):
        start(teacher, [few])


@pytest.mark.parametrize(
    "changes",
    [{"rank": 0}, {"learning_rate": 0}, {"epochs": -1}, {"method": "magic"}, {"parts": ["poet"]}, {"head": "two"}],
)
def test_it_refuses_settings_that_make_no_sense(teacher, training_set, changes):
    with pytest.raises(TrainingSettingsRefused):
        start(teacher, [training_set], **changes)


def test_what_goes_on_from_a_version_has_its_shape_and_its_licences(teacher, training_set, adapter):
    version = version_register(directory=adapter)
    run = start(teacher, [training_set], start_from=version, rank=4)
    assert run.config["lora"]["targets"] == ["q_proj"]
    assert run.config["licences"] == ["data of a school", "Past exams: CC BY 4.0"]
    with pytest.raises(TrainingSettingsRefused, match="rank 4"):
        start(teacher, [training_set], start_from=version, rank=8)


def test_the_frozen_configuration_is_one_that_mlcore_reads(teacher, training_set):
    run = start(teacher, [training_set], method="lora", parts=["scorer", "feedback"])
    config = TrainConfig.from_json({key: value for key, value in run.config.items() if key != "split_by"})
    assert config.base.quantisation == "none"
    assert config.parts == ("scorer", "feedback")


def test_a_queued_run_is_cancelled_at_once(teacher, training_set):
    run = training_run_cancel(run=start(teacher, [training_set]), by=teacher)
    assert run.state == TrainingState.CANCELLED
    with pytest.raises(RunIsOver):
        training_run_cancel(run=run, by=teacher)


def test_a_worker_reads_the_wish_to_cancel_at_its_next_heartbeat(teacher, training_set):
    start(teacher, [training_set])
    run = work.training_claim(worker="w")
    assert work.training_heartbeat(run=run) == "ours"
    training_run_cancel(run=run, by=teacher)
    assert work.training_heartbeat(run=run) == "cancel"


def test_a_run_is_claimed_once(teacher, training_set):
    start(teacher, [training_set])
    assert work.training_claim(worker="a") is not None
    assert work.training_claim(worker="b") is None


def lose(run: TrainingRun) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    work.training_release_stale()


def test_a_lost_run_resumes_once_and_then_fails_in_words(teacher, training_set):
    start(teacher, [training_set])
    first = work.training_claim(worker="a")
    lose(first)
    second = work.training_claim(worker="b")
    assert second.attempt == 2
    assert work.training_heartbeat(run=first) == "lost"
    lose(second)
    second.refresh_from_db()
    assert (second.state, second.error_code) == (TrainingState.FAILED, "training_worker_lost")


def test_a_lost_run_that_was_to_be_cancelled_is(teacher, training_set):
    start(teacher, [training_set])
    run = work.training_claim(worker="a")
    training_run_cancel(run=run, by=teacher)
    lose(run)
    run.refresh_from_db()
    assert run.state == TrainingState.CANCELLED


def test_a_worker_that_stops_in_order_costs_no_attempt(teacher, training_set):
    start(teacher, [training_set])
    run = work.training_claim(worker="a")
    work.training_give_back(run=run, count=False)
    assert work.training_claim(worker="b").attempt == 1


def test_progress_is_written_by_the_worker_that_has_the_run(teacher, training_set):
    start(teacher, [training_set])
    lost = work.training_claim(worker="a")
    lose(lost)
    run = work.training_claim(worker="b")
    told = TrainProgress("scorer", 3, 9, train_loss=0.5, seconds=2.0)
    work.training_progress_write(run=lost, progress=TrainProgress("scorer", 8, 9, train_loss=9.0), with_point=True)
    work.training_progress_write(run=run, progress=told, with_point=True)
    run.refresh_from_db()
    assert (run.stage, run.step, run.steps) == ("scorer", 3, 9)
    assert list(run.points.values_list("train_loss", flat=True)) == [0.5]


def test_what_a_run_does_beside_its_steps_is_written_once_a_second_and_ends_with_the_next_step(
    teacher, training_set, monkeypatch
):
    start(teacher, [training_set])
    run = work.training_claim(worker="a")
    writer = ProgressWriter(run)
    writer.write({"event": "task", "what": "loading", "done": 0, "of": 0})
    writer.write({"event": "task", "what": "encoding", "done": 0, "of": 9})
    for done in range(1, 9):
        writer.write({"event": "task", "what": "encoding", "done": done, "of": 9})
    run.refresh_from_db()
    assert (run.task, run.task_done, run.task_of) == ("encoding", 0, 9), "not more often than anybody reads it"
    monkeypatch.setattr(runtime_training, "ROW_SECONDS", -1.0)
    since = run.task_since
    writer.write({"event": "task", "what": "encoding", "done": 8, "of": 9})
    run.refresh_from_db()
    assert (run.task_done, run.task_since) == (8, since)
    writer.write({"event": "progress", **asdict(TrainProgress("scorer", 1, 4, train_loss=0.5))})
    run.refresh_from_db()
    assert (run.task, run.stage, run.step) == ("", "scorer", 1)


def test_a_worker_that_lost_the_run_writes_no_task(teacher, training_set):
    start(teacher, [training_set])
    lost = work.training_claim(worker="a")
    lose(lost)
    run = work.training_claim(worker="b")
    work.training_task_write(run=lost, task=TrainTask("encoding", 1, 2), begins=True)
    run.refresh_from_db()
    assert run.task == ""


def test_a_finished_run_registers_a_candidate_with_its_evaluation(teacher, training_set, versions_dir):
    start(teacher, [training_set])
    run = work.training_claim(worker="a")
    directory = write_bare_adapter(versions_dir / result_name(run))
    for state in (TrainingState.TRAINING, TrainingState.EVALUATING):
        work.training_stage(run=run, to=state)
    version = work.training_finish(run=run, directory=directory, evaluation={"n": 6})
    run.refresh_from_db()
    assert (run.state, run.version) == (TrainingState.SUCCEEDED, version)
    assert (version.state, version.evaluation) == ("candidate", {"n": 6})


def test_a_lost_worker_registers_nothing(teacher, training_set, versions_dir):
    start(teacher, [training_set])
    run = work.training_claim(worker="a")
    for state in (TrainingState.TRAINING, TrainingState.EVALUATING):
        work.training_stage(run=run, to=state)
    lose(run)
    directory = write_bare_adapter(versions_dir / result_name(run))
    with pytest.raises(TransitionLost):
        work.training_finish(run=run, directory=directory, evaluation={})
    assert not ModelVersion.objects.exists()


def test_what_was_excluded_since_is_not_trained_on(teacher, training_set):
    run = start(teacher, [training_set])
    gone = run.run_examples.filter(split="train").first().example
    TrainingExample.objects.filter(pk=gone.pk).update(state=ExampleState.EXCLUDED)
    assert gone.row not in work.frozen_rows(run)["train"]


def test_it_notices_an_example_that_was_changed(teacher, training_set):
    run = start(teacher, [training_set])
    TrainingExample.objects.update(content_hash="0" * 64)
    with pytest.raises(ValueError, match="was changed"):
        work.frozen_rows(run)


def test_a_set_is_kept_whole_with_its_keys_apart_from_others(training_set):
    row = training_set.examples.first().row
    assert row["question_id"] == f"set-{training_set.pk}/q0"
    assert row["group"] == f"set-{training_set.pk}"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no marked answer"),
        (b'{"question": "Q", "answer": "A", "score": 3, "max_score": 2}', "line 1"),
        (b'{"question": "Q", "answer": "A"}', "no score"),
        (b"\xff\xfe\x00", "UTF-8"),
    ],
)
def test_it_refuses_a_set_that_cannot_be_read_and_says_where(teacher, data, words):
    with pytest.raises(TrainingSetRefused, match=words) as refused:
        training_set_upload(by=teacher, name="Broken", licence="", data=data)
    assert "rows.jsonl" not in refused.value.message


def test_it_refuses_a_set_name_twice(teacher, training_set):
    with pytest.raises(TrainingSetRefused, match="already"):
        training_set_upload(by=teacher, name="Past exams", licence="", data=rows(3))


@pytest.mark.parametrize(("written", "kept"), [("A\\u0000B", "AB"), ("A\\ud800B", "A\ufffdB")])
def test_characters_that_no_database_keeps_do_not_stop_a_set(teacher, written, kept):
    data = f'{{"question": "Q", "answer": "{written}", "score": 1}}'.encode()
    made = training_set_upload(by=teacher, name="Odd", licence="", data=data)
    assert made.examples.get().row["answer"] == kept
