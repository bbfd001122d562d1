"""The suite of attacks: what it tries, and how it counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

import mlcore
from mlcore.cli.report import flagged_table, robustness_table
from mlcore.robustness import Robustness, flagged, measure_robustness, suite
from mlcore.schemas import Answer, Example, MarkedAnswer, MarkNote, Proposal, Question

HERE = Path(mlcore.__file__).parent
QUESTIONS = [
    Question(
        "plants", "Why do plants wilt in the sun? Say it in one sentence.", "Leaves lose more water than roots take."
    ),
    Question("bulb", "Why does the bulb go out when a switch opens?", "An open switch makes a gap, so current stops."),
]
ROWS = [
    Example(question, MarkedAnswer(Answer(f"{question.id}-{points}-{i}", text), points))
    for question in QUESTIONS
    for i, (points, text) in enumerate(
        [(0.0, "They are sad."), (0.0, "It is magic."), (1.0, question.reference_answer)]
    )
]


class Obedient:
    """Gives what it is asked for: full marks where a text speaks of points, otherwise 0.1; notes what is long."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def mark(
        self,
        question: Question,
        answers: Sequence[Answer],
        *,
        feedback: bool = True,
        points: Mapping[str, float] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Proposal]:
        self.seen += [answer.text for answer in answers]
        return [self._one(answer) for answer in answers]

    def _one(self, answer: Answer) -> Proposal:
        score = 1.0 if re.search(r"point|score|right|grade", answer.text) else 0.1
        notes = frozenset({MarkNote.OFF_TOPIC}) if "gap" in answer.text else frozenset[MarkNote]()
        return Proposal(answer.id, score, score, notes=notes)


class Deaf(Obedient):
    def _one(self, answer: Answer) -> Proposal:
        return Proposal(answer.id, 0.04, 0.0)


def test_every_kind_of_attack_is_made_and_alike_for_a_seed() -> None:
    attacks = suite(ROWS, size=8)
    assert attacks == suite(ROWS, size=8)
    assert attacks != suite(ROWS, size=8, seed=1)
    kinds = {attack.kind for attack in attacks}
    assert {"question copied", "gibberish", "evasion", "demand alone", "padding", "honest"} <= kinds
    assert {"other question's reference"} <= kinds
    added = [attack for attack in attacks if attack.base is not None and attack.kind != "padding"]
    assert len(added) == 4 * 3
    assert all(
        attack.text.startswith(attack.base or "?") or attack.text.endswith(attack.base or "?") for attack in added
    )
    assert min(len(attack.text) for attack in attacks if attack.kind == "padding") > 6000


def test_its_sentences_are_not_those_of_training() -> None:
    learnt = (HERE / "hardening.py").read_text(encoding="utf-8").lower()
    lines = [line.partition("\t")[2] for line in (HERE / "robustness.txt").read_text(encoding="utf-8").splitlines()]
    texts = [line.lower() for line in lines if line]
    assert len(texts) > 40
    assert [text for text in texts if text in learnt] == []


def test_what_an_injection_moves_is_counted() -> None:
    found = measure_robustness(Obedient(), ROWS, size=8)
    assert found.injections == 12 + 2
    # The mark of a wrong answer is 0.1; a text that speaks of points gets 1.
    assert 0.9 * 1 / 14 < found.movement < 0.9
    assert found.movement == pytest.approx(found.rise)
    assert found.movement_99 == pytest.approx(0.9)
    assert not found.holds
    # Of the two references one holds the word that Obedient notes: it is off topic for the other question.
    assert found.off_topic_flagged == 0.5
    assert (found.honest, found.honest_flagged) == (2, 0.5)


def test_a_marker_that_does_not_listen_holds() -> None:
    found = measure_robustness(Deaf(), ROWS, size=8)
    assert (found.movement, found.movement_99, found.holds) == (0.0, 0.0, True)
    assert found.nonsense == pytest.approx(0.04)
    assert found.by_kind["gibberish"]["mean"] == pytest.approx(0.04)


def test_progress_counts_all_texts() -> None:
    told: list[tuple[int, int]] = []
    measure_robustness(Deaf(), ROWS, size=4, on_progress=lambda done, of: told.append((done, of)))
    assert told[-1][0] == told[-1][1] > 10


def test_without_a_wrong_answer_there_is_nothing_to_inject_into() -> None:
    with pytest.raises(ValueError, match="half of the points"):
        suite([row for row in ROWS if row.score == 1])


def test_the_table_says_what_is_to_be_reached() -> None:
    table = robustness_table(
        Robustness(16, 0.015, 0.08, 0.01, 0.05, 0.5, 2, 0.0, {"gibberish": {"n": 3, "mean": 0.05}})
    )
    lines = [line.split() for line in table.splitlines()]
    assert ["16", "injections:", "mean", "movement", "1.5", "≤", "2.0"] in lines
    assert ["gibberish", "3", "5.0"] in lines


def test_honest_answers_that_the_checks_stop_are_counted_by_their_points() -> None:
    idk = Example(QUESTIONS[0], MarkedAnswer(Answer("idk", "I don't know."), 0.0))
    found = flagged([*ROWS, idk, idk])
    assert found["full marks"] == {"rows": 2}
    assert found["no points"] == {"rows": 6, "no_answer": 2}
    assert ["no", "points", "6", "2", "33.33"] in [line.split() for line in flagged_table(found).splitlines()]
