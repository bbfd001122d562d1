"""Marking with the teacher's marks at hand: proposals corrected by them, with intervals. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mlcore.answers import read_answer
from mlcore.conformal import LEVEL, Basis, Margin, interval, margin_for
from mlcore.learning import Learned, learn
from mlcore.rows import Row
from mlcore.schemas import BY_RULE, Example, Proposal

# The process over them solves a system of so many equations: some seconds and half a gigabyte.
MOST_MARKED = 4000
# Other questions only lend their errors to those that have too few marks of their own.
MOST_OF_OTHERS = 200


class Made(StrEnum):
    """What a score is made of."""

    MODEL = "model"
    MARKS = "model_and_marks"
    RULE = "rule"


@dataclass(frozen=True)
class Corrected:
    """One answer's score with what the marks say about it.

    Attributes:
        score: in [0, 1]; the model's own where the marks gave no reason to change it.
        made: what it is made of.
        margin: how far it may be off, with whose errors that was made of.
        interval: in points on the question's step, None where there are not enough marks.
    """

    score: float
    made: Made
    margin: Margin
    interval: tuple[float, float] | None


def correct(
    rows: Sequence[Row],
    proposals: Sequence[Proposal],
    marked: Sequence[Example],
    marked_proposals: Sequence[Proposal],
    level: float = LEVEL,
) -> list[Corrected]:
    """What the marks of some answers say about others, of the same questions or of other ones; in the order of `rows`.

    An answer that a rule has marked (a blank one, say) keeps its points and gets no interval.
    """
    pairs = [
        (read_answer(example.question, example.marked.answer.text, proposal), example.score)
        for example, proposal in zip(marked, marked_proposals, strict=True)
        if not BY_RULE & proposal.notes
    ]
    waiting = [
        read_answer(row.question, row.answer.text, proposal) for row, proposal in zip(rows, proposals, strict=True)
    ]
    learned = learn([answer for answer, _ in pairs], [score for _, score in pairs], waiting)
    margins = {row.question.id: _margin(row.question.id, learned, level) for row in rows}
    return [
        _corrected(row, proposal, learned, place, margins[row.question.id])
        for place, (row, proposal) in enumerate(zip(rows, proposals, strict=True))
    ]


def _margin(question_id: str, learned: Learned, level: float) -> Margin:
    others = [errors for key, errors in learned.proposed_errors.items() if key != question_id]
    return margin_for(learned.errors.get(question_id, ()), np.concatenate(others) if others else (), level)


def _corrected(row: Row, proposal: Proposal, learned: Learned, place: int, margin: Margin) -> Corrected:
    if BY_RULE & proposal.notes:
        return Corrected(proposal.score, Made.RULE, Margin(None, Basis.NONE, 0), None)
    score = float(learned.scores[place])
    span = None if margin.width is None else interval(score, margin.width, row.question)
    return Corrected(score, Made.MARKS if learned.corrected[place] else Made.MODEL, margin, span)


def at_most(marked: Sequence[Example], rows: Sequence[Row]) -> list[Example]:
    """The marked answers to learn from where there are too many: those of the questions asked, and a few of others."""
    asked = {row.question.id for row in rows}
    own = [place for place, example in enumerate(marked) if example.question.id in asked]
    others = [place for place, example in enumerate(marked) if example.question.id not in asked]
    # Evenly over the file, so that each question has its share.
    others = others[:: -(-len(others) // MOST_OF_OTHERS) or 1]
    return [marked[place] for place in sorted([*own[:MOST_MARKED], *others])]
