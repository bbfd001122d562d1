from __future__ import annotations

import numpy as np
import pytest

from mlcore import floors
from mlcore.schemas import Answer, Example, MarkedAnswer, Question

CIRCUIT = Question(id="circuit", text="Why does the bulb go out?", reference_answer="The gap opens the circuit.")
POND = Question(id="pond", text="Why do plants wilt?", reference_answer="They lose water.", max_points=4.0)
OTHER = Question(id="other", text="What is a byte?", reference_answer="Eight bits.")


def example(question: Question, text: str, points: float, feedback: str | None = None) -> Example:
    return Example(question, MarkedAnswer(Answer(text, text), points, feedback))


TRAIN = [
    example(CIRCUIT, "the gap opens the circuit", 1.0, "Right: the gap."),
    example(CIRCUIT, "the battery is empty", 0.0, "No, look at the switch."),
    example(POND, "they lose water", 4.0, "Yes, water."),
    example(POND, "it is too cold", 2.0),
]


def test_the_training_mean_is_on_the_scale_from_0_to_1() -> None:
    # 1, 0, 4 of 4 and 2 of 4.
    assert floors.training_mean(TRAIN, [TRAIN[0], TRAIN[1]]).tolist() == [0.625, 0.625]


def test_the_question_mean_falls_back_on_the_training_mean() -> None:
    test = [example(POND, "x", 0), example(CIRCUIT, "x", 0), example(OTHER, "x", 0)]
    assert floors.question_mean(TRAIN, test).tolist() == [0.75, 0.5, 0.625]


def test_ridge_learns_which_words_are_right_and_stays_in_range() -> None:
    train = [example(CIRCUIT, f"the gap opens it {i}", 1.0) for i in range(15)]
    train += [example(CIRCUIT, f"the battery is empty {i}", 0.0) for i in range(15)]
    test = [example(CIRCUIT, "a gap opens", 1.0), example(CIRCUIT, "battery empty", 0.0), example(OTHER, "", 0.0)]
    right, wrong, blank = floors.ridge(train, test)
    assert right > 0.6
    assert wrong < 0.4
    assert 0 <= blank <= 1


def test_ridge_uses_the_reference_answer_on_a_question_it_never_saw() -> None:
    train = [example(Question(f"q{i}", "Why?", f"alpha{i} beta{i}"), f"alpha{i} beta{i}", 1.0) for i in range(15)]
    train += [example(Question(f"q{i}", "Why?", f"alpha{i} beta{i}"), f"gamma{i} delta{i}", 0.0) for i in range(15)]
    right, wrong = floors.ridge(train, [example(OTHER, "eight bits", 1.0), example(OTHER, "ten apples", 0.0)])
    assert right > wrong + 0.5


def test_answers_without_a_word_are_no_trouble() -> None:
    blank = [example(CIRCUIT, "", 0.0, "Nothing here."), example(CIRCUIT, "?!", 0.0)]
    assert floors.ridge(blank, blank).tolist() == pytest.approx([0.0, 0.0])
    assert floors.nearest_feedback(blank, TRAIN[:1]) == ["Nothing here."]


def test_the_same_rows_give_the_same_floor() -> None:
    assert np.array_equal(floors.ridge(TRAIN, TRAIN), floors.ridge(TRAIN, TRAIN))


def test_the_nearest_feedback_is_of_the_same_question() -> None:
    test = [
        example(CIRCUIT, "battery empty", 0),
        example(POND, "the gap opens the circuit", 0),
        example(OTHER, "the gap opens a circuit", 0),
    ]
    assert floors.nearest_feedback(TRAIN, test) == ["No, look at the switch.", "Yes, water.", "Right: the gap."]


def test_without_any_feedback_there_is_no_nearest() -> None:
    assert floors.nearest_feedback([TRAIN[3]], [TRAIN[0]]) == [None]


@pytest.mark.parametrize("floor", floors.SCORE_FLOORS.values(), ids=floors.SCORE_FLOORS)
def test_a_floor_without_training_rows_is_refused(floor: floors.Floor) -> None:
    with pytest.raises(ValueError, match="at least one marked training row"):
        floor([], TRAIN)
