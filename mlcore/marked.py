"""Marking with the teacher's marks at hand: proposals corrected by them, with intervals. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mlcore.answers import read_answer
from mlcore.conformal import LEVEL, Basis, Margin, interval, margin_for
from mlcore.learning import Learned, learn
from mlcore.rows import Row
from mlcore.schemas import Example, MarkNote, Proposal

# The process over them solves a system of so many equations: some seconds and half a gigabyte.
MOST_MARKED = 4000


class Made(StrEnum):
    """What a score is made of."""

    MODEL = "model"
    MARKS = "model_and_marks"
    OTHER_QUESTIONS = "model_and_marks_of_other_questions"
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

    A blank answer keeps its points and gets no interval: no model had a say in it.
    """
    pairs = [
        (read_answer(example.question, example.marked.answer.text, proposal), example.score)
        for example, proposal in zip(marked, marked_proposals, strict=True)
        if MarkNote.BLANK not in proposal.notes
    ]
    waiting = [
        read_answer(row.question, row.answer.text, proposal) for row, proposal in zip(rows, proposals, strict=True)
    ]
    learned = learn([answer for answer, _ in pairs], [score for _, score in pairs], waiting)
    own = {answer.question_id for answer, _ in pairs}
    return [
        _corrected(row, proposal, learned, place, own, level)
        for place, (row, proposal) in enumerate(zip(rows, proposals, strict=True))
    ]


def _corrected(row: Row, proposal: Proposal, learned: Learned, place: int, own: set[str], level: float) -> Corrected:
    if MarkNote.BLANK in proposal.notes:
        return Corrected(proposal.score, Made.RULE, Margin(None, Basis.NONE, 0), None)
    score, margin = float(learned.scores[place]), margin_for(row.question.id, learned.errors, level)
    span = None if margin.width is None else interval(score, margin.width, row.question)
    by_marks = Made.MARKS if row.question.id in own else Made.OTHER_QUESTIONS
    return Corrected(score, by_marks if learned.corrected[place] else Made.MODEL, margin, span)


def at_most(marked: Sequence[Example], rows: Sequence[Row], limit: int = MOST_MARKED) -> list[Example]:
    """The marked answers to learn from where there are too many: those of the questions asked first, in their order."""
    asked = {row.question.id for row in rows}
    order = sorted(range(len(marked)), key=lambda place: (marked[place].question.id not in asked, place))
    return [marked[place] for place in sorted(order[:limit])]
