"""Whether feedback says what its points say."""

from __future__ import annotations

import pytest

from mlcore.schemas import Answer, Example, MarkedAnswer, Question
from mlcore.verdicts import fit_verdicts, verdict_of


def rows(label: str = "") -> list[Example]:
    found = []
    for number in range(24):
        asked = Question(id=f"q{number % 6}", text="Why?", max_points=2.0, step=0.5)
        for points, text in (
            (2.0, f"Right, well done and complete, case {number}."),
            (1.0, f"Only half of it is there, one part is missing, case {number}."),
            (0.0, f"Wrong, this misses the question, case {number}."),
        ):
            found.append(Example(asked, MarkedAnswer(Answer(f"{number}-{points}", "x"), points, text), label=label))
    return found


@pytest.mark.parametrize(("score", "verdict"), [(1.0, "correct"), (0.0, "incorrect"), (0.5, "partially correct")])
def test_points_stand_for_a_verdict(score: float, verdict: str) -> None:
    assert verdict_of(score) == verdict


def test_a_text_that_says_something_else_than_its_points_is_counted() -> None:
    verdicts = fit_verdicts(rows())
    assert verdicts is not None
    assert (verdicts.accuracy, verdicts.learnt_from) == (1.0, 72)
    texts = [
        "Right, well done and complete.",
        "Wrong, this misses the question.",
        "Only half, one part is missing.",
        "Right.",
    ]
    found = verdicts.contradictions(texts[:3], [1.0, 0.0, 0.5])
    assert found == {"contradiction_percent": 0.0, "opposite_percent": 0.0, "disagreement_percent": 0.0}
    found = verdicts.contradictions(texts[:3], [0.0, 0.0, 1.0])
    assert found["disagreement_percent"] == pytest.approx(200 / 3)
    assert found["opposite_percent"] == pytest.approx(100 / 3)


def test_too_little_feedback_makes_no_classifier() -> None:
    assert fit_verdicts(rows()[:20]) is None
    assert fit_verdicts([row for row in rows() if row.score == 1.0]) is None
    assert fit_verdicts([]) is None
