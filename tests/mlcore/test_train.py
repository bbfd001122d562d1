"""Training on a tiny random model: it learns, stops, resumes to the same result, and refuses what it cannot use."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mlcore.config import BaseConfig, LoraConfig, TrainConfig, TrainProgress, TrainTask
from mlcore.engine import Engine
from mlcore.manifest import AdapterExists, BaseMismatch, read_manifest
from mlcore.schemas import Answer, Question
from mlcore.train import TrainingDataError, TrainingStopped, train

GOOD, BAD = "because water is lost", "no idea at all"


def _rows(questions: int = 5, answers: int = 6) -> list[dict[str, object]]:
    return [
        {
            "id": f"{q}/{a}",
            "question_id": f"set/{q}",
            "question": f"Why do plants wilt, part {q}?",
            "answer": (GOOD if a % 2 else BAD) + " " + "so " * (a // 2),
            "score": 2.0 if a % 2 else 0.0,
            "max_score": 2.0,
            "feedback": "Well done." if a % 2 else "Read again.",
        }
        for q in range(questions)
        for a in range(answers)
    ]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[list[dict[str, object]]], Path]:
    def to_file(rows: list[dict[str, object]]) -> Path:
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return to_file


@pytest.fixture
def config(tmp_path: Path, tiny_base: Path, write: Callable[[list[dict[str, object]]], Path]) -> TrainConfig:
    return TrainConfig(
        output=tmp_path / "adapter",
        train_files=(write(_rows()),),
        base=BaseConfig(tiny_base, quantisation="none", device="cpu"),
        method="lora",
        lora=LoraConfig(rank=4, alpha=8, dropout=0.1),
        learning_rate=5e-3,
        head_learning_rate=1e-2,
        epochs=4,
        feedback_epochs=1,
        batch_size=6,
        validation_share=0.2,
        evaluations=2,
        checkpoint_minutes=0,
        seed=3,
    )


class Stop:
    """Says stop after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_it_learns_to_tell_good_answers_from_bad_ones(config: TrainConfig) -> None:
    told: list[TrainProgress] = []
    directory = train(replace(config, epochs=12, parts=("scorer",)), on_progress=told.append)

    losses = [entry.train_loss for entry in told if entry.train_loss is not None]
    assert losses[-1] < 0.7 * losses[0]
    engine = Engine(config.base)
    engine.use(directory)
    answers = [Answer("good", GOOD), Answer("bad", BAD)]
    good, bad = engine.mark(Question("new", "Why do plants wilt, part 9?", max_points=2.0), answers, feedback=False)
    assert good.score > bad.score + 0.3


@pytest.mark.parametrize("head", ["regression", "bands"])
def test_the_manifest_tells_how_it_was_trained(config: TrainConfig, head: str) -> None:
    manifest = read_manifest(train(replace(config, head=head, epochs=1)))  # type: ignore[arg-type]
    assert set(manifest.parts) == {"scorer", "feedback"}
    assert manifest.parts["scorer"].head == head
    assert manifest.base.quantisation == "none"
    assert len(manifest.training["held_out_questions"]) == 1
    assert manifest.training["seed"] == 3
    assert str(config.output.parent) not in json.dumps(manifest.training["config"])


def test_a_stopped_training_resumes_to_the_same_weights(config: TrainConfig) -> None:
    straight = train(replace(config, output=config.output.with_name("straight")))
    for after in (3, 6, 2):
        with pytest.raises(TrainingStopped):
            train(config, should_stop=Stop(after))
        assert not config.output.exists()
    resumed = train(config)

    for name in ("scorer.safetensors", "scorer_head.safetensors", "feedback.safetensors"):
        one, two = load_file(straight / name), load_file(resumed / name)
        assert one.keys() == two.keys()
        assert all(bool((one[key] == two[key]).all()) for key in one), name
    assert not config.output.with_suffix(".partial").exists()


def test_a_checkpoint_of_another_configuration_is_not_used(config: TrainConfig) -> None:
    with pytest.raises(TrainingStopped):
        train(config, should_stop=Stop(3))
    told: list[TrainProgress] = []
    train(replace(config, seed=4, parts=("scorer",)), on_progress=told.append)
    assert next(entry.step for entry in told if entry.stage == "scorer") == 1


def test_training_one_part_leaves_the_other_out(config: TrainConfig) -> None:
    assert set(read_manifest(train(replace(config, parts=("feedback",)))).parts) == {"feedback"}


def test_it_goes_on_from_an_earlier_version(config: TrainConfig) -> None:
    first = train(replace(config, parts=("scorer",), epochs=12))
    told: list[TrainProgress] = []
    again = replace(config, parts=("scorer",), epochs=1, start_from=first, output=config.output.with_name("second"))
    train(again, on_progress=told.append)
    fresh: list[TrainProgress] = []
    train(replace(again, start_from=None, output=config.output.with_name("third")), on_progress=fresh.append)
    assert told[1].train_loss < fresh[1].train_loss  # type: ignore[operator]


def test_it_tells_what_it_does_beside_its_steps(config: TrainConfig) -> None:
    first = train(replace(config, parts=("scorer",), epochs=1))
    told: list[TrainTask] = []
    again = replace(config, epochs=1, start_from=first, output=config.output.with_name("second"), parts=("scorer",))
    train(again, on_task=told.append)
    order = ["reading", "loading", "encoding", "start", "held_out", "words"]
    assert list(dict.fromkeys(task.what for task in told)) == order
    for what in order[2:]:
        counts = [(task.done, task.of) for task in told if task.what == what]
        assert counts[0][0] == 0, "it is said when it begins"
        assert all(0 <= done < of for done, of in counts)


def test_with_rows_enough_the_answers_words_are_added_to_the_score(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path]
) -> None:
    many = replace(config, train_files=(write(_rows(20, 10)),), parts=("scorer",), epochs=0.2, validation_share=0.3)
    directory = train(many)
    manifest = read_manifest(directory)
    facts = manifest.parts["scorer"].settings["stack"]
    assert facts["rows"] == 60
    assert facts["rmse"] < facts["rmse_model"]
    assert "overlap with the reference answer" in (directory / "CARD.md").read_text(encoding="utf-8")
    engine = Engine(config.base)
    engine.use(directory)
    answers = [Answer("good", GOOD), Answer("bad", BAD)]
    good, bad = engine.mark(Question("new", "Why do plants wilt, part 99?", max_points=2.0), answers, feedback=False)
    assert good.score > bad.score + 0.2

    few = replace(config, start_from=directory, parts=("scorer",), epochs=0.2, output=config.output.with_name("few"))
    few = replace(few, train_files=(write(_rows()),))
    kept = read_manifest(train(few)).parts["scorer"].settings["stack"]
    assert kept == {**facts, "inherited": True}


def test_a_question_that_was_trained_on_is_remembered_and_still_is_by_the_next_version(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path]
) -> None:
    """One step moves the model by next to nothing, and the words of this question say it all."""
    short = replace(config, parts=("scorer",), epochs=0.1, learning_rate=1e-6, head_learning_rate=1e-6)
    directory = train(replace(short, train_files=(write(_rows(3, 20)),)))
    facts = read_manifest(directory).parts["scorer"].settings["memory"]
    assert (facts["questions"], facts["rows"]) == (3, 48)
    assert facts["rmse"] < 0.5 * facts["rmse_without"]
    assert "It remembers 3 questions" in (directory / "CARD.md").read_text(encoding="utf-8")
    assert _score(config, directory, "Why do plants wilt, part 1?") > 0.75
    assert _score(config, directory, "Why do plants wilt, part 99?") == pytest.approx(0.5, abs=0.1)

    others = [{**row, "question": f"{row['question']} Say more."} for row in _rows(3, 20)]
    second = replace(short, start_from=directory, output=config.output.with_name("second"))
    directory = train(replace(second, train_files=(write(others),)))
    assert read_manifest(directory).parts["scorer"].settings["memory"]["questions"] == 6
    assert _score(config, directory, "Why do plants wilt, part 1?") > 0.75


def _score(config: TrainConfig, directory: Path, question: str) -> float:
    engine = Engine(config.base)
    engine.use(directory)
    asked = Question("asked-again", question, max_points=2.0)
    (proposal,) = engine.mark(asked, [Answer("good", GOOD)], feedback=False)
    return proposal.score


def test_what_a_training_starts_from_is_kept_where_nothing_better_comes_out(config: TrainConfig) -> None:
    first = train(replace(config, parts=("scorer",), epochs=12))
    harmed = replace(config, learning_rate=2.0, head_learning_rate=2.0, epochs=1, start_from=first, parts=("scorer",))
    second = train(replace(harmed, output=config.output.with_name("second")))
    assert read_manifest(second).parts["scorer"].settings["best_step"] == 0
    one, two = (load_file(directory / "scorer_head.safetensors") for directory in (first, second))
    assert all(bool((one[key] == two[key]).all()) for key in one)


def test_it_does_not_go_on_from_another_base(config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    first = train(replace(config, parts=("scorer",), epochs=0.5))
    other = tmp_path / "other"
    other.mkdir()
    for path in tiny_base.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "base.json").write_text('{"name": "other", "revision": "2"}')
    base = replace(config.base, directory=other)
    with pytest.raises(BaseMismatch):
        train(replace(config, base=base, start_from=first, output=tmp_path / "second"))


def test_rows_without_feedback_train_a_scorer_alone(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path]
) -> None:
    rows = [{key: value for key, value in row.items() if key != "feedback"} for row in _rows()]
    write(rows)
    assert set(read_manifest(train(replace(config, epochs=1))).parts) == {"scorer"}


def test_criteria_with_points_are_learnt_too(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path]
) -> None:
    one = replace(config, epochs=1, parts=("scorer",))
    plain: list[TrainProgress] = []
    train(one, on_progress=plain.append)
    write([{**row, "criteria": [{"id": "c", "title": "Loss", "points": 2, "score": row["score"]}]} for row in _rows()])
    told: list[TrainProgress] = []
    train(replace(one, output=config.output.with_name("second")), on_progress=told.append)
    assert told[-1].steps > plain[-1].steps


def test_few_questions_hold_out_answers_instead(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path]
) -> None:
    write(_rows(questions=2, answers=10))
    manifest = read_manifest(train(replace(config, epochs=1, parts=("scorer",))))
    assert manifest.training["rows"] == {"train": 16, "unseen_questions": 0, "unseen_answers": 4}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{**_rows()[0], "score": None}], "no score"),
        ([{**_rows()[0], "score": 5}], "line 1: score 5.0 lies outside"),
        (_rows(questions=1, answers=2), "at least 8 are needed"),
        ([], "at least 8 are needed"),
    ],
)
def test_bad_data_is_refused_in_words(
    config: TrainConfig, write: Callable[[list[dict[str, object]]], Path], rows: list[dict[str, object]], words: str
) -> None:
    write(rows)
    with pytest.raises(TrainingDataError, match=words):
        train(config)


def test_an_adapter_is_never_overwritten(config: TrainConfig) -> None:
    config.output.mkdir()
    with pytest.raises(AdapterExists):
        train(config)


def test_it_ends_early_when_validation_no_longer_improves(config: TrainConfig) -> None:
    told: list[TrainProgress] = []
    hot = replace(config, parts=("scorer",), learning_rate=0.2, epochs=20, evaluations=40, patience=2)
    train(hot, on_progress=told.append)
    assert told[-1].step < told[-1].steps
