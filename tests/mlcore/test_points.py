"""Points from scores."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.points import criterion_points, points_of
from mlcore.schemas import Criterion, Question

STEPS = [0.25, 0.5, 1.0]


def _question(points: list[float], step: float) -> Question:
    criteria = tuple(Criterion(str(i), f"criterion {i}", value) for i, value in enumerate(points))
    return Question("q", "why?", max_points=sum(points), step=step, criteria=criteria)


@pytest.mark.parametrize(
    ("score", "points"), [(0.0, 0.0), (0.06, 0.0), (0.07, 0.25), (0.5, 1.0), (0.874, 1.75), (1.0, 2.0), (1.7, 2.0)]
)
def test_it_rounds_to_the_step(score: float, points: float) -> None:
    assert points_of(score, Question("q", "why?", max_points=2.0, step=0.25)) == points


def test_full_marks_can_be_reached_where_the_step_does_not_divide_the_maximum() -> None:
    assert points_of(1.0, Question("q", "why?", max_points=1.7, step=0.5)) == 1.7


def test_points_start_at_the_minimum() -> None:
    assert points_of(0.5, Question("q", "why?", min_points=1.0, max_points=6.0, step=0.5)) == 3.5


@given(
    units=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    step=st.sampled_from(STEPS),
    data=st.data(),
)
def test_criteria_add_up_to_the_points(units: list[int], step: float, data: st.DataObject) -> None:
    question = _question([unit * step for unit in units], step)
    points = data.draw(st.integers(0, sum(units))) * step
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(units), max_size=len(units)))

    found = criterion_points(question, scores, points)

    assert sum(entry.points for entry in found) == pytest.approx(points, abs=1e-6)
    for entry, criterion in zip(found, question.criteria, strict=True):
        assert 0 <= entry.points <= criterion.points
        assert entry.points / step == pytest.approx(round(entry.points / step), abs=1e-6)


@given(
    parts=st.lists(st.integers(1, 400), min_size=1, max_size=6),
    step=st.sampled_from(STEPS),
    data=st.data(),
)
def test_no_criterion_leaves_its_range_whatever_the_rubric(parts: list[int], step: float, data: st.DataObject) -> None:
    """Also where the criteria do not lie on the step, or do not add up to the maximum."""
    question = replace(_question([part / 100 for part in parts], step), max_points=data.draw(st.integers(1, 30)))
    points = points_of(data.draw(st.floats(0, 1)), question)
    scores = data.draw(st.lists(st.floats(0, 1), min_size=len(parts), max_size=len(parts)))
    found = criterion_points(question, scores, points)
    assert [entry.criterion_id for entry in found] == [entry.id for entry in question.criteria]
    for entry, criterion in zip(found, question.criteria, strict=True):
        assert 0 <= entry.points <= criterion.points


@given(units=st.lists(st.integers(1, 12), min_size=2, max_size=6), step=st.sampled_from(STEPS), data=st.data())
def test_of_two_alike_the_one_that_is_met_better_never_gets_less(
    units: list[int], step: float, data: st.DataObject
) -> None:
    units[1] = units[0]
    question = _question([unit * step for unit in units], step)
    scores = data.draw(st.lists(st.floats(0.01, 0.99), min_size=len(units), max_size=len(units)))
    found = criterion_points(question, scores, data.draw(st.integers(0, sum(units))) * step)
    low, high = sorted((0, 1), key=lambda index: scores[index])
    if scores[high] - scores[low] > 1e-6:
        assert found[high].points >= found[low].points


@given(units=st.lists(st.integers(1, 12), min_size=1, max_size=6), step=st.sampled_from(STEPS))
def test_all_and_nothing_reach_every_criterion(units: list[int], step: float) -> None:
    question = _question([unit * step for unit in units], step)
    scores = [0.5] * len(units)
    full, none = (criterion_points(question, scores, points) for points in (question.max_points, 0.0))
    assert [entry.points for entry in full] == [pytest.approx(entry.points) for entry in question.criteria]
    assert {entry.points for entry in none} == {0.0}


def test_criteria_that_are_met_alike_share_in_proportion() -> None:
    found = criterion_points(_question([4.0, 2.0, 2.0], 0.5), [0.3, 0.3, 0.3], 4.0)
    assert [entry.points for entry in found] == [2.0, 1.0, 1.0]


def test_the_better_criterion_gets_more() -> None:
    strong, weak = criterion_points(_question([2.0, 2.0], 0.5), [0.9, 0.2], 2.5)
    assert strong.points > weak.points


def test_criteria_that_do_not_add_up_to_the_maximum_are_rounded_by_themselves() -> None:
    criteria = (Criterion("a", "a", 2.0), Criterion("b", "b", 2.0))
    question = Question("q", "why?", max_points=10.0, step=0.5, criteria=criteria)
    assert [entry.points for entry in criterion_points(question, [0.5, 1.0], 9.0)] == [1.0, 2.0]
