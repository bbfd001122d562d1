"""Intervals hold what they promise, and there is none where nothing can be promised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.conformal import Basis, fewest_marks, interval, margin, margin_for
from mlcore.schemas import Question

QUESTION = Question("q", "Why?", max_points=4.0, step=0.5)


@pytest.mark.parametrize(("level", "number"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19)])
def test_the_fewest_marks_that_can_promise_a_level(level: float, number: int) -> None:
    assert fewest_marks(level) == number
    assert margin([0.1] * (number - 1), level) is None
    assert margin([0.1] * number, level) == 0.1


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0])
def test_it_refuses_a_level_that_is_none(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        fewest_marks(level)


def test_the_margin_is_the_error_of_that_rank() -> None:
    # ceil(20 * 0.9) = 18: the 18th of 19 errors.
    assert margin([value / 100 for value in range(1, 20)], 0.9) == pytest.approx(0.18)


@pytest.mark.parametrize("number", [9, 20, 60])
def test_the_next_error_lies_within_as_often_as_promised(number: int) -> None:
    random = np.random.default_rng(5)
    hits = []
    for _ in range(4000):
        errors = random.gamma(0.7, 0.2, size=number + 1)
        width = margin(errors[:-1], 0.9)
        assert width is not None
        hits.append(errors[-1] <= width)
    # Exact in expectation: between 0.9 and 0.9 + 1 / (number + 1).
    assert 0.885 <= np.mean(hits) <= 0.9 + 1 / (number + 1) + 0.015


def test_a_question_with_too_few_marks_borrows_the_course_s_errors_and_else_says_so() -> None:
    assert margin_for([0.1] * 12, [0.5] * 50).basis == Basis.QUESTION
    assert margin_for([0.1] * 5, [0.5] * 50) == margin_for([], [0.5] * 50)
    assert margin_for([0.1] * 5, [0.5] * 50).width == 0.5
    none = margin_for([0.1] * 5, [0.5] * 3)
    assert (none.width, none.basis, none.marks) == (None, Basis.NONE, 5)


def test_an_interval_is_rounded_outwards_and_stays_on_the_scale() -> None:
    assert interval(0.5, 0.1, QUESTION) == (1.5, 2.5)
    assert interval(0.95, 0.3, QUESTION) == (2.5, 4.0)
    shifted = Question("q", "Why?", min_points=-1.0, max_points=1.0, step=0.5)
    assert interval(0.5, 0.1, shifted) == (-0.5, 0.5)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from([0.01, 0.25, 0.3, 0.5, 1.0]))
def test_an_interval_holds_its_score(score: float, width: float, step: float) -> None:
    question = Question("q", "Why?", max_points=3.5, step=step)
    low, high = interval(score, width, question)
    assert 0 <= low <= score * 3.5 + 1e-6
    assert score * 3.5 - 1e-6 <= high <= 3.5
