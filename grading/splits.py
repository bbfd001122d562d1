"""Which examples are trained on, watched while training, and held out to measure the result on. Pure: no rows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

TRAIN, VALIDATION, HELD_OUT = "train", "validation", "held_out"
HELD_OUT_SHARE = 0.2
VALIDATION_SHARE = 0.12
# From so many questions on, whole questions are held out: only that shows how marking carries over to new ones.
ENOUGH_QUESTIONS = 4


@dataclass(frozen=True)
class SplitItem:
    """What decides where an example goes. `student` is empty where it is not known."""

    key: int
    question: str
    student: str
    text: str


@dataclass(frozen=True)
class Split:
    """`by` says what was held out as a whole: "question", "student" or "answer"."""

    by: str
    sides: dict[int, str]


def split_examples(items: Sequence[SplitItem], seed: int) -> Split:
    """Divide the examples so that nothing leaks: an answer never lies on two sides, nor does a held-out question.

    The same items and seed give the same split, whatever their order.
    """
    items = sorted(items, key=lambda item: item.key)
    questions = sorted({_plain(item.question) for item in items})
    if len(questions) >= ENOUGH_QUESTIONS:
        chance = random.Random(f"{seed}:questions")  # noqa: S311 - a repeatable shuffle
        held = set(chance.sample(questions, max(1, round(HELD_OUT_SHARE * len(questions)))))
        sides = {item.key: HELD_OUT for item in items if _plain(item.question) in held}
        by = "question"
    else:
        groups, by = _groups(items)
        sides = dict.fromkeys(_take(groups, HELD_OUT_SHARE * len(items), f"{seed}:answers"), HELD_OUT)
    rest = [item for item in items if item.key not in sides]
    watched = _take(_groups(rest)[0], VALIDATION_SHARE * len(rest), f"{seed}:validation")
    sides |= dict.fromkeys(watched, VALIDATION)
    return Split(by, {item.key: sides.get(item.key, TRAIN) for item in items})


def _groups(items: Sequence[SplitItem]) -> tuple[list[list[int]], str]:
    """Keys that must stay together, and what holds them: one student's answers and identical ones, or, where that
    ties most of them into one, identical answers alone."""
    by_student = _components(items, with_students=True)
    if all(item.student for item in items) and max(map(len, by_student), default=0) <= len(items) / 3:
        return by_student, "student"
    return _components(items, with_students=False), "answer"


def _components(items: Sequence[SplitItem], *, with_students: bool) -> list[list[int]]:
    parent = {item.key: item.key for item in items}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first: dict[tuple[str, str], int] = {}
    for item in items:
        ties = [("text", _plain(item.text))]
        if with_students and item.student:
            ties.append(("student", item.student))
        for tie in ties:
            parent[root(item.key)] = root(first.setdefault(tie, item.key))
    groups: dict[int, list[int]] = {}
    for item in items:
        groups.setdefault(root(item.key), []).append(item.key)
    return list(groups.values())


def _take(groups: Sequence[list[int]], wanted: float, seed: str) -> list[int]:
    """Whole groups in a random order until about `wanted` keys are taken; a group that is far too large is passed."""
    taken: list[int] = []
    for group in random.Random(seed).sample(groups, len(groups)):  # noqa: S311 - a repeatable shuffle
        if len(taken) + len(group) <= max(1.0, 1.25 * wanted):
            taken += group
        if len(taken) >= wanted:
            break
    return taken


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
