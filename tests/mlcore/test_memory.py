"""The memory of questions: it learns which words of a question earn marks, says nothing of others, comes back whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.memory import FEWEST_ANSWERS, Memory, remember
from mlcore.schemas import Answer, Example, MarkedAnswer, Question

CLOSED = Question("q1", "Why does the bulb go out?", "The circuit is open.")
BOILS = Question("q2", "When does water boil?", "At 100 degrees.")
GOOD, BAD = "because the gap opens the circuit", "because the battery is tired"


def marked(question: Question, number: int) -> list[Example]:
    """As many answers, every second of them right, with a word of its own each."""
    texts = [f"{(GOOD, BAD)[place % 2]} number{place}" for place in range(number)]
    return [
        Example(question, MarkedAnswer(Answer(f"{question.id}-{place}", text), float(place % 2 == 0)))
        for place, text in enumerate(texts)
    ]


def learnt(number: int = 12) -> Memory:
    kept = remember(marked(CLOSED, number), [0.5] * number)
    assert kept is not None
    return kept.memory


def test_the_words_that_earned_marks_earn_them_when_the_question_is_asked_again() -> None:
    again = Question("another-assignment", "Why does the  bulb go OUT?", "The circuit is open.")
    right, wrong = learnt().apply(again, [f"{GOOD}, I think", f"{BAD}, I think"], [0.5, 0.5])
    assert right > 0.7
    assert wrong < 0.3


@pytest.mark.parametrize("question", [BOILS, Question("q1", CLOSED.text, "The battery is empty.")])
def test_a_question_that_was_not_trained_on_is_left_as_it_is(question: Question) -> None:
    assert learnt().apply(question, [GOOD, BAD], [0.123, 0.9]) == [0.123, 0.9]


def test_marks_that_the_words_do_not_explain_are_not_remembered() -> None:
    rows = marked(CLOSED, 12)
    chance = np.random.default_rng(3).integers(0, 2, 12)
    noise = [Example(row.question, MarkedAnswer(Answer(row.marked.answer.id, "the same words"), float(mark)))
             for row, mark in zip(rows, chance, strict=True)]  # fmt: skip
    assert remember(noise, [float(chance.mean())] * 12) is None


def test_scores_that_are_right_already_are_not_changed() -> None:
    rows = marked(CLOSED, 12)
    assert remember(rows, [row.score for row in rows]) is None


def test_a_handful_of_answers_is_not_enough() -> None:
    number = FEWEST_ANSWERS - 1
    assert remember(marked(CLOSED, number), [0.5] * number) is None


def test_what_it_is_worth_is_said_of_answers_left_out() -> None:
    kept = remember([*marked(CLOSED, 12), *marked(BOILS, 12)], [0.5] * 24)
    assert kept is not None
    assert kept.facts() == {"questions": 2, "rows": 24, "rmse_without": 0.5, "rmse": kept.facts()["rmse"]}
    assert 0.0 < kept.rmse < 0.3


def test_an_older_memory_is_kept_for_the_questions_that_are_not_trained_on_again() -> None:
    boils = remember(marked(BOILS, 12), [0.5] * 12)
    assert boils is not None
    both = learnt().over(boils.memory)
    assert len(both) == 2
    assert both.apply(CLOSED, [GOOD], [0.5]) == learnt().apply(CLOSED, [GOOD], [0.5])
    assert both.apply(BOILS, [GOOD], [0.5]) == boils.memory.apply(BOILS, [GOOD], [0.5])


def test_it_comes_back_from_its_arrays_with_the_same_scores() -> None:
    memory = learnt().over(None)
    again = Memory.of(memory.tensors())
    for text in (GOOD, BAD, ""):
        assert again.apply(CLOSED, [text], [0.4])[0] == pytest.approx(memory.apply(CLOSED, [text], [0.4])[0], abs=1e-6)
    assert len(Memory.of(Memory({}).tensors())) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("levels", np.array([np.nan], dtype=np.float32)),
        ("ends", np.array([10**6])),
        ("weights", np.zeros(1, dtype=np.float32)),
        ("questions", np.zeros((1, 1), dtype=np.int64)),
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(name: str, value: np.ndarray) -> None:
    with pytest.raises(ValueError, match="memory"):
        Memory.of({**learnt().tensors(), name: value})


def test_a_missing_array_is_named() -> None:
    tensors = learnt().tensors()
    del tensors["words"]
    with pytest.raises(ValueError, match="words"):
        Memory.of(tensors)


@given(text=st.text(max_size=200), score=st.floats(0, 1), others=st.lists(st.text(max_size=20), max_size=3))
def test_any_text_keeps_its_score_in_range_whatever_stands_beside_it(
    text: str, score: float, others: list[str]
) -> None:
    memory = _REMEMBERED
    alone = memory.apply(CLOSED, [text], [score])
    together = memory.apply(CLOSED, [*others, text], [0.5] * len(others) + [score])
    assert together[-1:] == alone
    assert 0.0 <= alone[0] <= 1.0
    assert abs(alone[0] - score) <= 0.5 + 1e-9


_REMEMBERED = learnt()
