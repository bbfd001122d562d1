"""What the model reads, as pieces of text: no torch, no tokenizer.

The layout puts first what all answers to a question share, so that it is computed once:

    prefix      instructions, question, reference answer, rubric, marking instructions, “Student answer:”
    answer      the student's own words, delimited
    request     what is asked of this answer: is it correct, does it meet a criterion, write feedback

Student text is data. It may only ever become ordinary tokens: `Text` pieces are encoded with special tokens split into
plain ones, and only the `Control` pieces of this module become special tokens.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from mlcore.schemas import Criterion, Question

# 1: first layout. Recorded with every adapter: one that learned another layout must not be used with this one.
PROMPT_VERSION = 1

FENCE = '"""'
YES, NO = " Yes", " No"


@dataclass(frozen=True)
class Text:
    """Words that become ordinary tokens, whatever they spell."""

    text: str


@dataclass(frozen=True)
class Control:
    """A turn's marker (ChatML). Where the tokenizer has no such token, `plain` is used as words instead."""

    token: str
    plain: str


Piece = Text | Control

_START = Control("<|im_start|>", "\n")
_END = Control("<|im_end|>", "\n")


def prefix_pieces(question: Question) -> list[Piece]:
    """What all answers to this question share, up to the point where the answer begins."""
    return [
        _START,
        Text("system\nYou mark student answers."),
        _END,
        Text("\n"),
        _START,
        Text("user\n" + "\n".join(_sections(question))),
    ]


def opening_pieces() -> list[Piece]:
    """The end of the prefix, kept even where the question had to be cut."""
    return [Text(f"\nStudent answer:\n{FENCE}\n")]


def answer_text(text: str) -> str:
    """The student's words as they go into the prompt: without control characters, unable to close the delimiter."""
    cleaned = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text.replace("\r\n", "\n").replace("\r", "\n"))
    while FENCE in cleaned:
        cleaned = cleaned.replace(FENCE, "''")
    return cleaned.strip()


def is_blank(text: str) -> bool:
    """Whether nothing can be read in a text: only spaces, control characters and invisible ones."""
    return all(unicodedata.category(character)[0] in "ZC" for character in text)


def score_request() -> list[Piece]:
    """Asks for the whole answer; the head reads the score at its last token. Short: every answer pays for it."""
    return [Text(f"\n{FENCE}\nCorrect?")]


def criterion_request(criterion: Criterion) -> list[Piece]:
    """Asks how far one criterion is met; the head reads the share of its points at the last token."""
    what = criterion.title if not criterion.description else f"{criterion.title}: {criterion.description}"
    return [Text(f"\n{FENCE}\nCriterion: {_one_line(what)}\nFulfilled?")]


def feedback_request(question: Question, points: float) -> list[Piece]:
    """Asks for feedback to an answer that earned these points (on the question's scale)."""
    return _turn(
        f"The answer earns {figure(points)} of {figure(question.max_points)} points. "
        + ("Schreibe dem Schüler eine Rückmeldung." if question.language == "de" else "Write feedback to the student.")
    )


def figure(points: float) -> str:
    """Points without needless zeros: 2, 2.5, 0.25."""
    return f"{round(points, 4):g}"


def _turn(words: str) -> list[Piece]:
    return [Text(f"\n{FENCE}\n{words}"), _END, Text("\n"), _START, Text("assistant\n")]


def _sections(question: Question) -> list[str]:
    sections = [f"Question: {question.text.strip()}"]
    if question.reference_answer.strip():
        sections.append(f"Reference answer: {question.reference_answer.strip()}")
    if question.criteria:
        sections.append("Rubric:\n" + "\n".join(_criterion_lines(question)))
    if question.instructions.strip():
        sections.append(f"Marking instructions:\n{question.instructions.strip()}")
    sections.append(f"Maximum: {figure(question.max_points)} points")
    return sections


def _criterion_lines(question: Question) -> list[str]:
    lines = []
    for criterion in question.criteria:
        tail = f": {_one_line(criterion.description)}" if criterion.description else ""
        lines.append(f"- {_one_line(criterion.title)} ({figure(criterion.points)} points){tail}")
        lines += [f"  - {figure(level.points)}: {_one_line(level.description)}" for level in criterion.levels]
    return lines


def _one_line(text: str) -> str:
    return " ".join(text.split())
