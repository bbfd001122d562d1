"""A candidate beside the version in use, on the same answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.beside import beside
from mlcore.schemas import Answer, Example, MarkedAnswer, Question


def _examples(given: list[float], question: str = "q") -> list[Example]:
    asked = Question(question, "Why?", max_points=1.0)
    return [Example(asked, MarkedAnswer(Answer(f"{question}{i}", "x"), value)) for i, value in enumerate(given)]


def test_the_difference_is_that_of_the_mean_absolute_errors() -> None:
    found = beside(_examples([1.0, 0.0, 1.0, 0.0]), [0.75, 0.25, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5])
    assert found.difference == pytest.approx(0.125 - 0.5)
    assert (found.n, found.drawn) == (4, "answers")
    assert found.questions[0].candidate == pytest.approx(0.125)
    assert found.questions[0].in_use == pytest.approx(0.5)


def test_a_clear_difference_is_real_in_both_directions() -> None:
    examples = _examples([1.0, 0.0] * 20)
    good, bad = [0.9, 0.1] * 20, [0.5, 0.6] * 20
    assert beside(examples, good, bad).verdict == "better"
    worse = beside(examples, bad, good)
    assert worse.verdict == "worse"
    assert worse.questions[0].much_worse
    assert 0 < worse.low < worse.difference < worse.high


def test_a_handful_of_answers_proves_nothing() -> None:
    assert beside(_examples([1.0, 0.0, 1.0, 0.0]), [1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]).verdict == "noise"


def test_questions_are_drawn_where_there_are_enough_of_them() -> None:
    examples = [example for number in range(8) for example in _examples([1.0, 0.0], f"q{number}")]
    # One question of eight decides everything: by answers that looks real, by questions it does not.
    candidate = [0.5, 0.5] * 7 + [1.0, 0.0]
    found = beside(examples, candidate, [0.5] * 16)
    assert found.drawn == "questions"
    assert found.verdict == "noise"
    assert len(found.questions) == 8


def test_a_question_that_got_much_worse_is_named_though_the_whole_got_better() -> None:
    examples = _examples([1.0] * 30, "most") + _examples([1.0] * 6, "one")
    found = beside(examples, [1.0] * 30 + [0.5] * 6, [0.4] * 30 + [1.0] * 6)
    assert found.verdict == "better"
    assert [entry.question_id for entry in found.questions if entry.much_worse] == ["one"]


def test_scores_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="the same answers"):
        beside(_examples([1.0]), [1.0, 0.0], [1.0])
    with pytest.raises(ValueError, match="at least one"):
        beside([], [], [])


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=30))
def test_swapping_the_versions_turns_the_verdict_round(rows: list[tuple[float, float, float]]) -> None:
    examples = _examples([row[0] for row in rows])
    one = beside(examples, [row[1] for row in rows], [row[2] for row in rows])
    other = beside(examples, [row[2] for row in rows], [row[1] for row in rows])
    assert one.difference == pytest.approx(-other.difference)
    assert {one.verdict, other.verdict} in ({"noise"}, {"better", "worse"})
    assert one == beside(examples, [row[1] for row in rows], [row[2] for row in rows])
