from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import pytest

from mlcore.cli.report import evaluation_table
from mlcore.evaluate import evaluate, measure
from mlcore.schemas import Answer, Example, MarkedAnswer, Proposal, Question

COLOUR = Question(id="colour", text="Which colour?", max_points=2.0, step=1.0)
NUMBER = Question(id="number", text="Which number?", max_points=1.0, step=0.5)


class KeywordMarker:
    """Marks by rule: an answer with “yes” gets all, one with “half” half; it writes down what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, bool]] = []

    def mark(
        self,
        question: Question,
        answers: Sequence[Answer],
        *,
        feedback: bool = True,
        points: Mapping[str, float] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Proposal]:
        self.calls.append((question.id, len(answers), feedback))
        proposals = []
        for done, answer in enumerate(answers, 1):
            score = 1.0 if "yes" in answer.text else 0.5 if "half" in answer.text else 0.0
            text = f"You wrote {answer.text}." if feedback else None
            proposals.append(Proposal(answer.id, score, score * question.max_points, feedback=text))
            if on_progress is not None:
                on_progress(done)
        return proposals


def example(question: Question, text: str, points: float, feedback: str | None = None) -> Example:
    return Example(question, MarkedAnswer(Answer("same id", text), points, feedback))


EXAMPLES = [
    example(COLOUR, "yes", 2.0, "You wrote yes."),
    example(NUMBER, "half", 1.0),
    example(COLOUR, "half", 1.0),
    example(NUMBER, "no", 0.0),
]
# The proposals are 1, 0.5, 0.5 and 0; the teacher gave 1, 1, 0.5 and 0.


def test_it_measures_all_rows_and_each_question() -> None:
    result = evaluate(KeywordMarker(), EXAMPLES)
    assert (result["n"], result["mae_percent"], result["within_10_percent"]) == (4, 12.5, 0.75)
    assert result["rmse"] == pytest.approx(0.25)
    assert list(result["per_question"]) == ["colour", "number"]
    assert result["per_question"]["colour"]["rmse"] == 0.0
    assert result["per_question"]["number"]["mae_percent"] == 25.0
    assert (result["feedback"], result["floors"]) == (None, {})


def test_each_question_goes_to_the_engine_once() -> None:
    marker = KeywordMarker()
    evaluate(marker, EXAMPLES)
    assert marker.calls == [("colour", 2, False), ("number", 2, False)]


def test_feedback_is_written_only_where_a_teacher_wrote_some() -> None:
    marker = KeywordMarker()
    result = evaluate(marker, EXAMPLES, feedback=True)
    assert ("colour", 1, True) in marker.calls
    assert sum(count for _, count, written in marker.calls if written) == 1
    assert result["feedback"]["n"] == 1
    assert result["feedback"]["rougeL"] == pytest.approx(100.0)


def test_feedback_that_nobody_can_compare_is_none() -> None:
    assert evaluate(KeywordMarker(), EXAMPLES[1:], feedback=True)["feedback"] is None


def test_the_floors_stand_beside_it_on_the_same_rows() -> None:
    train = [example(COLOUR, "yes", 2.0, "Good."), example(NUMBER, "no", 0.0)]
    result = evaluate(KeywordMarker(), EXAMPLES, feedback=True, training_examples=train)
    assert list(result["floors"]) == ["training_mean", "question_mean", "ridge", "nearest_feedback"]
    # The mean is 0.5 throughout: off by 0.5, 0.5, 0 and 0.5.
    assert result["floors"]["training_mean"]["mae_percent"] == 37.5
    # 1 for colour and 0 for number: off by 0, 1, 0.5 and 0.
    assert result["floors"]["question_mean"]["mae_percent"] == 37.5
    assert all(floor["n"] == 4 for name, floor in result["floors"].items() if name != "nearest_feedback")
    assert result["floors"]["nearest_feedback"]["n"] == 1


def test_kappa_counts_in_the_steps_of_the_question() -> None:
    # In steps of 1 of 2, 0.45 rounds to the middle: the bands agree.
    assert measure([EXAMPLES[0], EXAMPLES[2]], [1.0, 0.45])["qwk"] == 1.0
    # In tenths, as for questions with different steps, it does not.
    fine = example(Question(id="fine", text="How much?", step=0.25), "no", 0.0)
    mixed = measure([EXAMPLES[0], EXAMPLES[2], fine], [1.0, 0.4, 0.0])
    # Bands 10, 5, 0 against 10, 4, 0: 1/3 of squared distance; chance 50/3 + 152/9 + 1/9 = 303/9.
    assert mixed["qwk"] == pytest.approx(1 - (1 / 3) / (303 / 9))


def test_progress_counts_answers_over_all_questions() -> None:
    seen: list[int] = []
    evaluate(KeywordMarker(), EXAMPLES, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 4


def test_the_result_can_be_stored_as_json_and_printed() -> None:
    result = evaluate(KeywordMarker(), EXAMPLES, feedback=True, training_examples=EXAMPLES)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    lines = evaluation_table(result).splitlines()
    assert lines[0].split()[:4] == ["marks", "n", "MAE", "%"]
    assert lines[1].split()[:5] == ["this", "model", "4", "12.5", "0.250"]
    assert any(line.startswith("TF-IDF + ridge") for line in lines)
    assert any(line.startswith("feedback of the nearest answer") for line in lines)
    assert any(line.startswith("number") for line in lines)


def test_nothing_to_evaluate_is_said() -> None:
    with pytest.raises(ValueError, match="no marked answers"):
        evaluate(KeywordMarker(), [])
