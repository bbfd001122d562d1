"""The membership test finds a version that has learned its answers by heart, and nothing where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import cli
from mlcore.membership import membership, same_questions
from mlcore.schemas import Answer, Example, MarkedAnswer, Question

ERRORS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_answers_learned_by_heart_are_found() -> None:
    found = membership([0.0, 0.01, 0.02] * 20, [0.3, 0.5, 0.7] * 20)
    assert found.auc == 1.0
    assert found.interval == (1.0, 1.0)
    assert found.found == 1.0
    assert (found.trained, found.unseen) == (60, 60)


def test_where_the_errors_are_alike_nobody_is_found() -> None:
    chance = np.random.default_rng(0)
    found = membership(chance.random(400).tolist(), chance.random(400).tolist())
    assert found.interval[0] < 0.5 < found.interval[1]
    assert found.found < 0.1


def test_equal_errors_are_a_guess() -> None:
    assert membership([0.5] * 10, [0.5] * 10).auc == 0.5
    assert membership([0.5] * 10, [0.5] * 10).found == 0.0


@given(trained=ERRORS, unseen=ERRORS)
def test_the_other_way_round_it_says_the_opposite(trained: list[float], unseen: list[float]) -> None:
    one, other = membership(trained, unseen, draws=5), membership(unseen, trained, draws=5)
    assert one.auc == pytest.approx(1 - other.auc)
    assert 0.0 <= one.auc <= 1.0


@pytest.mark.parametrize(("trained", "unseen"), [([], [0.1]), ([0.1], [])])
def test_both_kinds_are_needed(trained: list[float], unseen: list[float]) -> None:
    with pytest.raises(ValueError, match="needs answers"):
        membership(trained, unseen)


def test_only_questions_that_both_have_are_compared() -> None:
    rows = [Example(Question(key, "?"), MarkedAnswer(Answer(key, "so"), 1.0)) for key in ("a", "b", "c")]
    trained, unseen = same_questions(rows[:2], rows[1:])
    assert [row.question.id for row in (*trained, *unseen)] == ["b", "b"]


def test_the_command_prints_what_was_found_and_saves_it(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = []
    for name in ("trained", "unseen"):
        path = tmp_path / f"{name}.jsonl"
        row = {"question_id": "set/1", "question": "Why?", "score": 1.0}
        lines = [{**row, "id": f"{name}{place}", "answer": f"{name} words {place}"} for place in range(4)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        files.append(path)
    saved = tmp_path / "found.json"
    arguments = ["membership", "--model", tiny_adapter, "--base", tiny_base, "--device", "cpu", "--json", saved]
    arguments += ["--trained", files[0], "--unseen", files[1]]
    assert cli.main([str(argument) for argument in arguments]) == 0
    assert "4 trained and 4 unseen answers" in capsys.readouterr().out
    assert 0.0 <= json.loads(saved.read_text())["auc"] <= 1.0
