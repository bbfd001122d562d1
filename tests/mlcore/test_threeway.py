"""SemEval's three verdicts from one score."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from mlcore.threeway import apply_bands, f1_scores, fit_bands, fit_cut, three_way


def row(question: str, label: str) -> Example:
    asked = Question(id=question, text=f"Why {question}?")
    return Example(asked, MarkedAnswer(Answer("a", "x"), float(label == "correct")), label=label)


def test_f1_by_hand() -> None:
    given = ["correct", "correct", "incorrect", "contradictory"]
    said = ["correct", "incorrect", "incorrect", "incorrect"]
    # correct: 1 right of 2 given and 1 said; incorrect: 1 right of 1 given and 3 said; contradictory: never said.
    found = f1_scores(given, said, ("correct", "contradictory", "incorrect"))
    assert found == {"correct": pytest.approx(2 / 3), "contradictory": 0.0, "incorrect": 0.5}


def test_thresholds_and_the_middle_band_come_from_marked_rows() -> None:
    scores = np.array([0.1, 0.2, 0.4, 0.5, 0.8, 0.9])
    given = np.array(["incorrect", "incorrect", "contradictory", "contradictory", "correct", "correct"])
    low, high, order = fit_bands(scores, given)
    assert order == ("incorrect", "contradictory", "correct")
    assert (apply_bands(scores, low, high, order) == given).all()
    turned = np.array(["contradictory", "contradictory", "incorrect", "incorrect", "correct", "correct"])
    assert fit_bands(scores, turned)[2] == ("contradictory", "incorrect", "correct")
    assert 0.5 < fit_cut(scores, np.where(given == "correct", "correct", "incorrect")) <= 0.8


def test_each_question_is_judged_by_thresholds_of_the_others() -> None:
    labels = ["incorrect", "contradictory", "correct"]
    examples = [row(question, label) for question in "abc" for label in labels]
    # Question c's scores are the wrong way round: it cannot teach its own thresholds.
    scores = [0.1, 0.5, 0.9] * 2 + [0.9, 0.5, 0.1]
    found = three_way(examples, scores)
    assert found is not None
    assert found["folds"] == 3
    assert found["f1"]["correct"] <= 2 * 2 / 6
    assert found["two_way"]["accuracy"] < 1


def test_clear_scores_are_told_apart() -> None:
    examples = [row(q, label) for q in "abcd" for label in ("incorrect", "contradictory", "correct")]
    found = three_way(examples, [0.1, 0.5, 0.9] * 4)
    assert found is not None
    assert (found["macro_f1"], found["two_way"]["macro_f1"], found["n"]) == (1.0, 1.0, 12)


def test_other_labels_and_single_questions_are_left_out() -> None:
    assert three_way([row("a", "correct"), row("b", "Partially correct")], [0.5, 0.5]) is None
    assert three_way([row("a", "correct"), row("a", "incorrect")], [0.5, 0.5]) is None
