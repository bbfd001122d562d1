"""What is proposed for an answer without a word: the fewest points and the reason, and no model is asked."""

from __future__ import annotations

from mlcore.schemas import CriterionScore, MarkNote, Proposal, Question

_REASON = {
    "en": "No answer was handed in, so there are no points.",
    "de": "Es wurde keine Antwort abgegeben, daher gibt es keine Punkte.",
}


def blank_proposal(question: Question, answer_id: str) -> Proposal:
    """The fewest points, nothing for any criterion, the note BLANK, and the reason in the question's language."""
    reason = _REASON.get(question.language[:2].lower(), _REASON["en"])
    criteria = tuple(CriterionScore(entry.id, 0.0) for entry in question.criteria)
    return Proposal(answer_id, 0.0, question.min_points, criteria, reason, frozenset({MarkNote.BLANK}))
