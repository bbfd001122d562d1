"""The one evaluation on a tiny set, with figures worked out by hand."""

from __future__ import annotations

import json
import re

import pytest

from mlcore.cli.report import evaluation_table
from mlcore.page import evaluation_page
from mlcore.schemas import Answer, Example, MarkedAnswer, Proposal, Question
from mlcore.study import calibration, study, unit_of

QUESTIONS = [Question(id=f"set/{name}", text=f"Why {name}?", max_points=2.0, step=1.0) for name in "abc"]
GIVEN = [2.0, 1.0, 0.0]
PROPOSED = [1.0, 0.5, 0.2]


def rows(feedback: str | None = None) -> list[Example]:
    return [
        Example(question, MarkedAnswer(Answer(f"{question.id}-{i}", f"word{i}"), points, feedback))
        for question in QUESTIONS
        for i, points in enumerate(GIVEN)
    ]


def proposals(text: str | None = None) -> list[Proposal]:
    return [Proposal(str(i), PROPOSED[i % 3], 2.0 if i % 3 == 0 else 1.0, feedback=text) for i in range(9)]


def test_figures_and_intervals_of_marks() -> None:
    found = study(rows(), proposals(), training_examples=rows(), unit="questions", draws=50)
    # Errors 0, 0 and 0.2 for each question: whichever questions are drawn, the mean is the same.
    assert found["mae_percent"] == pytest.approx(100 * 0.2 / 3)
    assert found["intervals"]["mae_percent"] == pytest.approx([100 * 0.2 / 3] * 2, abs=1e-4)
    assert found["floors"]["training_mean"]["intervals"]["rmse"][0] > 0.4
    assert found["bootstrap"] == {"draws": 50, "unit": "questions", "seed": 0, "level": 0.95}
    assert "three_way" not in found
    loose = study(rows(), proposals(), unit="rows", draws=50)["intervals"]["mae_percent"]
    assert loose[0] < 100 * 0.2 / 3 < loose[1]


def test_calibration_by_tenths() -> None:
    found = calibration(rows(), [proposal.score for proposal in proposals()])
    assert [entry["n"] for entry in found] == [3, 3, 3]
    assert [entry["given"] for entry in found] == [0.0, 0.5, 1.0]
    assert [round(entry["predicted"], 6) for entry in found] == [0.2, 0.5, 1.0]


def test_texts_are_compared_and_have_intervals() -> None:
    found = study(rows("That is right."), proposals("That is right."), feedback=True, draws=20)
    assert found["feedback"]["rougeL"] == pytest.approx(100.0)
    assert found["feedback"]["intervals"]["rougeL"] == [100.0, 100.0]
    # Nothing to learn verdicts from: no rate of contradictions, rather than one that means nothing.
    assert "contradiction_percent" not in found["feedback"]


def test_semeval_labels_are_measured_in_three_classes() -> None:
    labels = ["correct", "incorrect", "contradictory"]
    examples = [Example(row.question, row.marked, label=labels[i % 3]) for i, row in enumerate(rows())]
    assert study(examples, proposals(), draws=0)["three_way"]["macro_f1"] == 1.0


def test_rows_are_drawn_where_questions_were_seen_and_questions_where_not() -> None:
    examples, nothing = rows(), frozenset[str]()
    assert unit_of(examples, examples[:1], nothing) == "rows"
    assert unit_of(examples, examples, frozenset(question.id for question in QUESTIONS)) == "questions"
    other = Example(Question(id="other", text="What?"), MarkedAnswer(Answer("1", "x"), 1.0))
    assert unit_of(examples, [other], nothing) == "questions"
    assert unit_of(examples, [], nothing) == "rows"
    assert unit_of(examples[:3], [other], nothing) == "rows"


def test_it_is_stored_printed_and_shown() -> None:
    examples, made = rows("Right <b>so</b>."), proposals("Right.")
    found = study(examples, made, feedback=True, training_examples=examples, draws=20)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert "0.115" in evaluation_table(found)
    given, predicted = [row.score for row in examples], [proposal.score for proposal in made]
    page = evaluation_page(found, given, predicted, title="Model <1>", data=["set/rows.jsonl"])
    assert "Model &lt;1&gt;" in page
    assert page.count("<svg") == 3
    assert page.count('class="dot"') == 9
    # Nothing is fetched from anywhere, and nothing runs.
    assert re.findall(r"<script|<link|<img|src=|href=", page) == []
