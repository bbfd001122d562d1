"""What the first few marks of a question are worth, and whether intervals keep their word: measured on marked answers.

A teacher who marks k answers of one question is played many times: k answers are drawn, the others are corrected from
them, and the result is compared with what the teacher gave to these. The answers that are compared are the same for
every k, so the steps of the curve can be compared too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.answers import ReadAnswer
from mlcore.conformal import LEVEL, Basis, margin_for
from mlcore.intervals import draws_of, intervals
from mlcore.kernels import places_by_question
from mlcore.learning import learn

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARKS = (0, 5, 10, 20, 40)
# Fewer answers than this beside the marked ones say nothing about a question.
FEWEST_COMPARED = 8


@dataclass(frozen=True)
class Trial:
    """One question with k marks: its answers that were compared.

    Attributes:
        before, after: (n,) errors of the model's scores and of the corrected ones, in [0, 1], with their signs.
        width: half an interval's length, None where there was none.
    """

    question: str
    marks: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    width: float | None
    basis: Basis


def learning_curve(
    answers: Sequence[ReadAnswer],
    given: Sequence[float],
    *,
    marks: Sequence[int] = MARKS,
    seeds: int = 5,
    draws: int = 1000,
    level: float = LEVEL,
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """The curve over all questions with enough answers.

    Args:
        given: (n,) the teacher's marks, in [0, 1].
        seeds: how often each question is played.
        draws: of the bootstrap, over questions.

    Returns:
        {"questions", "level", "points": [{"marks", "rmse_before", "rmse", "rmse_interval", "coverage",
        "coverage_interval", "width" (mean length of an interval, in [0, 1]), "with_interval" (share of answers),
        "basis"}]}

    Raises:
        ValueError: no question has enough answers.
    """
    scores, most = np.array(given, dtype=np.float64), max(marks)
    places = {key: there for key, there in places_by_question(answers).items() if len(there) >= most + FEWEST_COMPARED}
    if not places:
        raise ValueError(f"no question has {most + FEWEST_COMPARED} marked answers, which {most} marks take")
    trials: list[Trial] = []
    for done, (key, there) in enumerate(places.items(), 1):
        proposed = [abs(scores[i] - answers[i].score) for i in range(len(answers)) if answers[i].question_id != key]
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(there).tolist()
            trials += [_trial(answers, scores, order, k, most, proposed, level) for k in marks]
        if on_progress is not None:
            on_progress(done)
    points = [_point([trial for trial in trials if trial.marks == k], k, draws) for k in marks]
    return {"questions": len(places), "seeds": seeds, "level": level, "points": points}


def _trial(
    answers: Sequence[ReadAnswer],
    scores: NDArray[np.float64],
    order: Sequence[int],
    marks: int,
    most: int,
    course: Sequence[float],
    level: float,
) -> Trial:
    known, compared = order[:marks], order[most:]
    learned = learn([answers[i] for i in known], scores[known].tolist(), [answers[i] for i in compared])
    key = answers[order[0]].question_id
    found = margin_for(learned.errors.get(key, ()), course, level)
    proposed = np.array([answers[i].score for i in compared])
    return Trial(key, marks, proposed - scores[compared], learned.scores - scores[compared], found.width, found.basis)


def _point(trials: Sequence[Trial], marks: int, draws: int) -> dict[str, Any]:
    before, after = (np.concatenate([getattr(trial, name) for trial in trials]) for name in ("before", "after"))
    widths = np.concatenate(
        [np.full(len(trial.after), np.nan if trial.width is None else trial.width) for trial in trials]
    )
    inside = np.where(np.isnan(widths), np.nan, np.abs(after) <= widths + 1e-9)

    def measures(rows: NDArray[np.intp]) -> Mapping[str, Any]:
        there = inside[rows][~np.isnan(inside[rows])]
        return {
            "rmse": float(np.sqrt(np.mean(after[rows] ** 2))),
            "gain": float(np.sqrt(np.mean(before[rows] ** 2)) - np.sqrt(np.mean(after[rows] ** 2))),
            **({"coverage": float(there.mean())} if len(there) else {}),
        }

    questions = [trial.question for trial in trials for _ in trial.after]
    ranges = intervals(draws_of(questions, "questions", draws), measures) if draws else {}
    own = np.array([trial.basis == Basis.QUESTION for trial in trials])
    return {
        "marks": marks,
        "rmse_before": float(np.sqrt(np.mean(before**2))),
        **measures(np.arange(len(after))),
        "intervals": ranges,
        "width": float(np.nanmean(2 * widths)) if (~np.isnan(widths)).any() else None,
        "own_marks": float(own.mean()),
    }
