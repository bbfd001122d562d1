"""What goes into the marking engine and what comes out of it: plain dataclasses, no torch, no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class Level:
    """One rung of a criterion: the points it earns (0 to the criterion's points) and what earns them."""

    points: float
    description: str


@dataclass(frozen=True)
class Criterion:
    """One line of a rubric. `id` is the caller's own key and comes back with the score."""

    id: str
    title: str
    points: float
    description: str = ""
    levels: tuple[Level, ...] = ()


@dataclass(frozen=True)
class Question:
    """An assignment as the model sees it: everything that its answers share.

    Raises:
        ValueError: where the range of points is empty or the step is not positive.
    """

    id: str
    text: str
    reference_answer: str = ""
    max_points: float = 1.0
    min_points: float = 0.0
    step: float = 0.25
    language: str = "en"
    instructions: str = ""
    criteria: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        if not self.max_points > self.min_points:
            raise ValueError(
                f"question {self.id}: the maximum ({self.max_points}) must be above the minimum ({self.min_points})"
            )
        if not self.step > 0:
            raise ValueError(f"question {self.id}: the step of points must be positive, not {self.step}")


@dataclass(frozen=True)
class Answer:
    """One student's answer. `id` is the caller's own key."""

    id: str
    text: str


@dataclass(frozen=True)
class MarkedAnswer:
    """An answer with what a teacher gave it: points on the question's scale, feedback where there is any."""

    answer: Answer
    points: float
    feedback: str | None = None
    criterion_points: dict[str, float] = field(default_factory=dict)


class MarkNote(StrEnum):
    """Why a proposal is not simply what the model read, or what to look at in the answer (`mlcore.screening`)."""

    BLANK = "blank"
    CUT = "cut"
    NO_ANSWER = "no_answer"
    COPIED_QUESTION = "copied_question"
    GIBBERISH = "gibberish"
    KEYWORDS = "keywords"
    REPEATED = "repeated"
    OFF_TOPIC = "off_topic"
    ADDRESSES_GRADER = "addresses_grader"
    OTHERS_WORDS = "others_words"


# Notes of answers whose mark a rule has decided: nothing that is learned from other answers changes it.
BY_RULE = frozenset(
    {MarkNote.BLANK, MarkNote.NO_ANSWER, MarkNote.COPIED_QUESTION, MarkNote.GIBBERISH, MarkNote.KEYWORDS}
)


@dataclass(frozen=True)
class CriterionScore:
    """Points for one criterion, on the question's step."""

    criterion_id: str
    points: float


@dataclass(frozen=True)
class MarkProgress:
    """How far the marking of some answers is: answers that have a score, and texts that are written. A text that is
    under way counts in parts, by how long texts usually get; without feedback none is ever written."""

    scored: int = 0
    written: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """What the model proposes for one answer; a teacher decides.

    `score` is the head's output in [0, 1]; `points` is the same on the question's scale and step. The points of
    `criteria` add up to `points` where the rubric's criteria add up to the maximum. `unread_characters` counts what
    was left out of the window at the end of the answer (0 where all of it was read). `feedback` is None where none
    was asked for. `embedding` is what the model made of the answer (`mlcore.embedding`), empty where it read nothing.
    """

    answer_id: str
    score: float
    points: float
    criteria: tuple[CriterionScore, ...] = ()
    feedback: str | None = None
    notes: frozenset[MarkNote] = frozenset()
    unread_characters: int = 0
    embedding: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Example:
    """One training or evaluation row: a question and an answer that a teacher marked.

    `label` is the teacher's verdict in words where the data has one; nothing is marked by it.
    """

    question: Question
    marked: MarkedAnswer
    group: str = ""
    label: str = ""

    @property
    def score(self) -> float:
        """The teacher's points scaled to [0, 1]."""
        span = self.question.max_points - self.question.min_points
        return (self.marked.points - self.question.min_points) / span


def group_by_question(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Examples by `question.id`, in the order in which the questions first appear."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.question.id, []).append(example)
    return groups
