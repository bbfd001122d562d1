"""The stacked regressor: it learns what words are worth, keeps out where they are not, and comes back whole."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from mlcore.stacking import FEWEST_HELD_OUT, FEWEST_TRAINING, Stack, fit_stack

REFERENCE = (
    "lose water",
    "open circuit",
    "equal mass",
    "warm air",
    "long wave",
    "green leaf",
    "cold front",
    "red light",
)


def rows(questions: range, answers: int, mark: Callable[[int, bool], float]) -> list[Example]:
    """Answers that have the reference's words, or have not."""
    found = []
    for number in questions:
        reference = f"It is because of {REFERENCE[number % 8]} in part {number}"
        question = Question(f"q{number}", f"Why does it happen, {number}?", reference, max_points=1.0)
        for place in range(answers):
            right = place % 2 == 0
            text = f"{REFERENCE[number % 8]} I think" if right else f"no clue about it {place}"
            found.append(Example(question, MarkedAnswer(Answer(f"{number}/{place}", text), mark(number, right))))
    return found


def by_words(number: int, right: bool) -> float:
    return 1.0 if right else 0.0


def noise(examples: list[Example]) -> list[float]:
    chance = random.Random(0)
    return [chance.random() for _ in examples]


def test_words_help_where_the_model_knows_nothing() -> None:
    training, held_out = rows(range(12), 10, by_words), rows(range(20, 26), 10, by_words)
    fitted = fit_stack(training, held_out, noise(held_out))
    assert fitted.helps
    assert fitted.rmse < 0.5 * fitted.rmse_model
    question = held_out[0].question
    right, wrong = fitted.stack.apply(question, [f"{REFERENCE[4]} I think", "no clue about it"], [0.5, 0.5])
    assert right > wrong + 0.3


def test_words_do_not_help_where_the_model_is_right_and_words_say_nothing() -> None:
    chance = random.Random(1)
    training = rows(range(12), 10, lambda number, right: float(chance.random() < 0.5))
    held_out = rows(range(20, 26), 10, lambda number, right: float(chance.random() < 0.5))
    fitted = fit_stack(training, held_out, [example.score for example in held_out])
    assert not fitted.helps
    assert fitted.rmse_model == 0.0


def test_what_questions_have_in_common_is_not_mistaken_for_what_answers_differ_in() -> None:
    """All answers to even questions are right, whatever their words: nothing to learn within a question."""
    training = rows(range(12), 10, lambda number, right: float(number % 2 == 0))
    stack = fit_stack(training, rows(range(20, 26), 10, by_words), [0.5] * 60).stack
    found = stack.lexical(training[0].question, [training[0].marked.answer.text, training[1].marked.answer.text])
    assert abs(found[0] - found[1]) < 0.05


def test_a_stacked_score_depends_on_its_own_answer_alone_and_stays_in_range() -> None:
    training, held_out = rows(range(12), 10, by_words), rows(range(20, 26), 10, by_words)
    stack = fit_stack(training, held_out, noise(held_out)).stack
    texts = [example.marked.answer.text for example in held_out[:7]]
    scores = [0.0, 0.1, 0.5, 0.9, 1.0, 0.3, 0.7]
    together = stack.apply(held_out[0].question, texts, scores)
    alone = [stack.apply(held_out[0].question, [text], [s])[0] for text, s in zip(texts, scores, strict=True)]
    assert together == alone
    assert all(0.0 <= score <= 1.0 for score in together)
    assert stack.apply(held_out[0].question, [], []) == []


def test_a_regressor_comes_back_from_its_arrays_and_refuses_others() -> None:
    training, held_out = rows(range(12), 10, by_words), rows(range(20, 26), 10, by_words)
    stack = fit_stack(training, held_out, noise(held_out)).stack
    again = Stack.of(stack.tensors())
    assert all((again.tensors()[name] == value).all() for name, value in stack.tensors().items())
    for broken in (
        {**stack.tensors(), "blend": np.zeros(2, dtype=np.float32)},
        {**stack.tensors(), "slopes": stack.slopes * np.float32("nan")},
        {name: value for name, value in stack.tensors().items() if name != "words"},
    ):
        with pytest.raises(ValueError, match=r"blend|slopes|words"):
            Stack.of(broken)


def test_too_few_rows_are_refused() -> None:
    enough, few = rows(range(12), 10, by_words), rows(range(3), 10, by_words)
    assert len(few) < FEWEST_HELD_OUT < FEWEST_TRAINING <= len(enough)
    with pytest.raises(ValueError, match="too few"):
        fit_stack(enough, few, noise(few))
    with pytest.raises(ValueError, match="too few"):
        fit_stack(few, enough, noise(enough))
    with pytest.raises(ValueError, match="scores"):
        fit_stack(enough, enough, [0.5])
