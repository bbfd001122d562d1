"""An answer as what is learned from the teacher's marks sees it: the model's reading of it, and its words. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlcore.schemas import MarkNote, Proposal, Question

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+")
# What the checks beside the head found is a reason not to raise a mark, whatever similar answers got.
_HELD_DOWN = frozenset(MarkNote) - {MarkNote.CUT, MarkNote.OFF_TOPIC}


@dataclass(frozen=True)
class ReadAnswer:
    """One answer with what the model made of it.

    Attributes:
        question_id: answers with the same one belong together.
        score: what the model proposed, in [0, 1].
        embedding: as in `Proposal`; empty where there is none.
        held_down: the checks found something in it: its score may be lowered and never raised.
    """

    question_id: str
    question: str
    reference: str
    text: str
    score: float
    embedding: bytes = b""
    held_down: bool = False


def read_answer(question: Question, text: str, proposal: Proposal) -> ReadAnswer:
    """An answer with its proposal."""
    return ReadAnswer(
        question_id=question.id,
        question=question.text,
        reference=question.reference_answer,
        text=text,
        score=proposal.score,
        embedding=proposal.embedding,
        held_down=bool(proposal.notes & _HELD_DOWN),
    )


def overlaps(answers: Sequence[ReadAnswer]) -> NDArray[np.float64]:
    """(rows, 5), each about 0 to 1: share of the reference's words that the answer has, and of the answer's that the
    reference has; the first without the question's words; share of the answer's words that are the question's; the
    logarithm of its length, one at about 150 words."""
    rows = []
    for answer in answers:
        words, asked, reference = _words(answer.text), _words(answer.question), _words(answer.reference)
        shared = words & reference
        rows.append(
            [
                len(shared) / max(len(reference), 1),
                len(shared) / max(len(words), 1),
                len(shared - asked) / max(len(reference - asked), 1),
                len(words & asked) / max(len(words), 1),
                np.log1p(len(answer.text)) / np.log(1000),
            ]
        )
    return np.array(rows, dtype=np.float64).reshape(len(answers), 5)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))
