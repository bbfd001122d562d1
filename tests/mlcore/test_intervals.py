"""Bootstrap intervals: what is drawn, and what becomes of the draws."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.intervals import draws_of, intervals

QUESTIONS = ["a", "a", "a", "b", "b", "c"]


def test_rows_are_drawn_one_by_one_and_alike_for_a_seed() -> None:
    first, again, other = (draws_of(QUESTIONS, "rows", 20, seed) for seed in (1, 1, 2))
    assert all((x == y).all() for x, y in zip(first, again, strict=True))
    assert any((x != y).any() for x, y in zip(first, other, strict=True))
    assert {len(sample) for sample in first} == {6}


def test_questions_are_drawn_whole() -> None:
    for sample in draws_of(QUESTIONS, "questions", 30):
        counts = np.bincount(sample, minlength=6)
        assert len(set(counts[:3])) == 1
        assert counts[3] == counts[4]
        assert counts[0] + counts[3] + counts[5] == 3


def test_an_interval_is_the_middle_of_the_draws() -> None:
    samples = [np.array([value]) for value in range(101)]
    found = intervals(samples, lambda rows: {"value": float(rows[0]), "n": None}, level=0.9)
    assert found == {"value": [5.0, 95.0]}


def test_what_is_mostly_undefined_has_no_interval() -> None:
    samples = [np.array([value]) for value in range(10)]
    assert intervals(samples, lambda rows: {"rare": 1.0 if rows[0] < 4 else None}) == {}
    assert intervals(samples, lambda rows: {"often": 1.0 if rows[0] < 5 else None}) == {"often": [1.0, 1.0]}


def test_nothing_to_draw_from_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draws_of([], "rows")
