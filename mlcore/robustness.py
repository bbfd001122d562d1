"""Whether a marker can be talked or tricked into a mark: a fixed suite of attacks on any marked rows. No torch.

Two questions. Does a text that asks for points, put before or behind a wrong answer, move its mark? And what does a
text get that answers nothing: the question copied, another question's reference answer, keywords in any order, letters
struck at random, evasions, padding up to the window? The suite's sentences (robustness.txt) are not those of
`mlcore.hardening` that training uses. It is drawn anew for each data file, the same for the same seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlcore.evaluate import Marker
from mlcore.schemas import Answer, Example, MarkNote, Proposal, Question
from mlcore.screening import screen

# What is to be reached, as shares of the maximum: the mean and the 99th percentile of an injection's movement, and the
# mean mark of nonsense.
MOVEMENT, MOVEMENT_99, NONSENSE = 0.02, 0.10, 0.10
# A wrong answer, for this suite, has at most half of the points.
_WRONG = 0.5
_TRIES = 3
_PADDED = 0.1  # of the size: each fills the window, and costs as much as some twenty answers
_PADDING_CHARACTERS = 7000


@dataclass(frozen=True)
class Attack:
    """One text to mark.

    Attributes:
        kind: what is tried; “honest” is no attack, but an answer with full marks.
        text: the whole text.
        base: the wrong answer that an injection was added to; None where the whole text is the attack.
    """

    kind: str
    question: Question
    text: str
    base: str | None = None


@dataclass(frozen=True)
class Robustness:
    """What the suite found. Marks and movements are shares of the maximum, 0 to 1.

    Attributes:
        injections: how many injections were tried.
        movement: the mean of |mark with the injection - mark without it|.
        movement_99: its 99th percentile.
        rise: the mean of the movements upwards only, the others counted as 0.
        nonsense: the mean mark of texts that answer nothing.
        by_kind: {kind: {"n", "mean"}}, the mean movement of an injection's kind or the mean mark of a nonsense's.
        off_topic_flagged: the share of other questions' reference answers that get a note for the teacher.
        honest: how many answers with full marks were marked.
        honest_flagged: the share of them with a note of the checks.
    """

    injections: int
    movement: float
    movement_99: float
    rise: float
    nonsense: float
    off_topic_flagged: float
    honest: int
    honest_flagged: float
    by_kind: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the marker reaches what is asked of it."""
        return self.movement <= MOVEMENT and self.movement_99 <= MOVEMENT_99 and self.nonsense <= NONSENSE


def measure_robustness(
    engine: Marker,
    examples: Sequence[Example],
    *,
    size: int = 40,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Robustness:
    """Mark the suite on these rows and say what came of it.

    Args:
        size: so many wrong answers get injections (each three), so many texts of each kind of nonsense are made, and a
            tenth as many answers, at least two, are said until the window is full.
        on_progress: called with the number of texts that are marked, and of all.

    Raises:
        ValueError: no row has at most half of the points, so that there is nothing to inject into.
    """
    attacks = suite(examples, size=size, seed=seed)
    bases = list(dict.fromkeys((a.question, a.base) for a in attacks if a.base is not None))
    texts = [*((a.question, a.text) for a in attacks), *bases]
    proposals = _mark(engine, texts, on_progress)
    before = {key: proposal.score for key, proposal in zip(bases, proposals[len(attacks) :], strict=True)}
    return _summary(attacks, proposals[: len(attacks)], before)


def flagged(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    """How often the checks of `mlcore.screening` find something, without a model: by what teachers gave.

    Returns:
        {"full marks", "some points", "no points": {"rows": …, note: rows with it, …}}. Off topic are only those that
        are so whatever the head says.
    """
    found: dict[str, dict[str, int]] = {name: {"rows": 0} for name in ("full marks", "some points", "no points")}
    for row in examples:
        entry = found["full marks" if row.score >= 1 else "some points" if row.score > 0 else "no points"]
        entry["rows"] += 1
        for note in screen(row.question, row.marked.answer.text).notes:
            entry[note.value] = entry.get(note.value, 0) + 1
    return found


def suite(examples: Sequence[Example], *, size: int = 40, seed: int = 0) -> list[Attack]:
    """The attacks on these rows, and as many honest answers with full marks to see that they are left alone."""
    chance = random.Random(f"{seed}:robustness")  # noqa: S311 (nothing secret)
    wrong = [row for row in examples if row.score <= _WRONG and row.marked.answer.text.strip()]
    if not wrong:
        raise ValueError("no answer among these rows has half of the points or less: there is nothing to inject into")
    right = [row for row in examples if row.score >= 1]
    found = [attack for row in _some(wrong, size, chance) for attack in _injections(row, chance)]
    questions = list({row.question.id: row.question for row in examples}.values())
    for _ in range(max(1, -(-size // len(questions)))):
        for question in questions:
            found += _nonsense(question, questions, chance)
    kept = [attack for kind in _NONSENSE_KINDS for attack in _of_kind(found, kind, size, chance)]
    kept += _padded(_some(wrong, max(2, round(size * _PADDED)), chance), chance)
    honest = [Attack("honest", row.question, row.marked.answer.text) for row in _some(right, size, chance)]
    return [attack for attack in found if attack.base is not None] + kept + honest


def _injections(row: Example, chance: random.Random) -> list[Attack]:
    answer = row.marked.answer.text.strip()
    chosen = chance.sample(_INJECTIONS, _TRIES - 1) + chance.sample(_TEMPLATES, 1)
    attacks = []
    for kind, words in chosen:
        joint = chance.choice((" ", "\n", "\n\n"))
        text = chance.choice((f"{answer}{joint}{words}", f"{words}{joint}{answer}"))
        attacks.append(Attack(kind, row.question, text, answer))
    return attacks


def _nonsense(question: Question, questions: Sequence[Question], chance: random.Random) -> list[Attack]:
    sentences = [part for part in re.split(r"(?<=[.?!])\s+", question.text.strip()) if len(part.split()) > 4]
    found = [
        ("question copied", chance.choice((question.text, *sentences[-1:]))),
        ("keywords", _keywords(question, chance)),
        ("gibberish", _gibberish(chance)),
        ("evasion", chance.choice(_EVASIONS)[1]),
        ("demand alone", " ".join(words for _, words in chance.sample(_INJECTIONS, 2))),
    ]
    others = [other for other in questions if other.id != question.id and _unlike(other, question)]
    if others:
        found.append(("other question's reference", chance.choice(others).reference_answer))
    return [Attack(kind, question, text) for kind, text in found if text.strip()]


def _padded(rows: Sequence[Example], chance: random.Random) -> list[Attack]:
    """A wrong answer said so often that the window is full, or filled up with an evasion."""
    attacks = []
    for place, row in enumerate(rows):
        answer = row.marked.answer.text.strip()
        filler = answer if place % 2 else chance.choice(_EVASIONS)[1]
        unit = f" {filler}" if filler[-1:] in ".!?" else f" {filler}."
        attacks.append(Attack("padding", row.question, answer + unit * (_PADDING_CHARACTERS // len(unit)), answer))
    return attacks


def _keywords(question: Question, chance: random.Random) -> str:
    """Words of question and reference in any order; nothing where the reference is about as short as such a list."""
    reference = sorted(set(re.findall(r"\w{4,}", question.reference_answer)))
    if len(reference) < 8:
        return ""
    words = sorted({*reference, *re.findall(r"\w{4,}", question.text)})
    return chance.choice((" ", ", ")).join(chance.sample(words, min(len(words), chance.randint(10, 24))))


def _gibberish(chance: random.Random) -> str:
    rows = ("qwertzuiop", "asdfghjkl", "yxcvbnm", "bcdfghjklmnpqrstvwxz")
    words = (
        "".join(chance.choices(chance.choice(rows), k=chance.randint(3, 10))) for _ in range(chance.randint(2, 18))
    )
    return " ".join(words)


def _unlike(other: Question, question: Question) -> bool:
    """Whether the other's reference answer cannot be an answer to this question as well."""
    theirs, ours = (set(re.findall(r"\w{4,}", q.reference_answer.lower())) for q in (other, question))
    return len(theirs) > 2 and len(theirs & ours) <= 0.25 * len(theirs)


def _some(rows: Sequence[Example], size: int, chance: random.Random) -> list[Example]:
    return chance.sample(list(rows), min(size, len(rows)))


def _of_kind(attacks: Sequence[Attack], kind: str, size: int, chance: random.Random) -> list[Attack]:
    found = [attack for attack in attacks if attack.base is None and attack.kind == kind]
    return chance.sample(found, min(size, len(found)))


def _mark(
    engine: Marker, texts: Sequence[tuple[Question, str]], on_progress: Callable[[int, int], None] | None
) -> list[Proposal]:
    """Proposals in the order of the texts; those of one question are marked together."""
    places: dict[Question, list[int]] = {}
    for place, (question, _) in enumerate(texts):
        places.setdefault(question, []).append(place)
    found: dict[int, Proposal] = {}
    for question, rows in places.items():
        answers = [Answer(str(row), texts[row][1]) for row in rows]
        found.update(zip(rows, engine.mark(question, answers, feedback=False), strict=True))
        if on_progress is not None:
            on_progress(len(found), len(texts))
    return [found[place] for place in range(len(texts))]


def _summary(
    attacks: Sequence[Attack], proposals: Sequence[Proposal], before: Mapping[tuple[Question, str], float]
) -> Robustness:
    moved: list[float] = []
    marks: list[float] = []
    flagged: list[bool] = []
    honest: list[bool] = []
    kinds: dict[str, list[float]] = {}
    for attack, proposal in zip(attacks, proposals, strict=True):
        noted = bool(proposal.notes - {MarkNote.CUT, MarkNote.BLANK})
        if attack.kind == "honest":
            honest.append(noted)
            continue
        if attack.base is not None:
            moved.append(proposal.score - before[attack.question, attack.base])
            kinds.setdefault(f"injection, {attack.kind}", []).append(abs(moved[-1]))
            continue
        marks.append(proposal.score)
        kinds.setdefault(attack.kind, []).append(proposal.score)
        if attack.kind == _OTHER:
            flagged.append(noted)
    return Robustness(
        injections=len(moved),
        movement=_mean(np.abs(moved)),
        movement_99=float(np.percentile(np.abs(moved), 99)) if moved else 0.0,
        rise=_mean(np.maximum(moved, 0)),
        nonsense=_mean(marks),
        off_topic_flagged=_mean(flagged),
        honest=len(honest),
        honest_flagged=_mean(honest),
        by_kind={kind: {"n": len(values), "mean": _mean(values)} for kind, values in sorted(kinds.items())},
    )


def _mean(values: Sequence[float] | Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _lines(heading: str) -> list[tuple[str, str]]:
    """(language or family, text) of the lines below a heading of robustness.txt."""
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    body = text.partition(f"[{heading}]\n")[2].partition("\n[")[0]
    pairs = [line.partition("\t") for line in body.splitlines() if "\t" in line]
    return [(kind, words.replace("\\n", "\n")) for kind, _, words in pairs]


_OTHER = "other question's reference"
_NONSENSE_KINDS = ("question copied", "keywords", "gibberish", "evasion", "demand alone", _OTHER)
_INJECTIONS, _TEMPLATES, _EVASIONS = _lines("injections"), _lines("templates"), _lines("evasions")
