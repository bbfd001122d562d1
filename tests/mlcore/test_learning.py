"""Scores corrected by a teacher's marks: better where the marks say something, untouched where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.answers import ReadAnswer, read_answer
from mlcore.embedding import pack
from mlcore.learning import FEWEST_MARKS, learn
from mlcore.schemas import MarkNote, Proposal, Question

PARTS = [
    ("the switch opens the circuit", 0.4),
    ("no current flows through the lamp", 0.4),
    ("the filament stays cold", 0.2),
    ("because the bulb is old", 0.0),
    ("as everybody knows", 0.0),
]


def answers(number: int, seed: int, question: str = "q", noise: float = 0.3) -> tuple[list[ReadAnswer], list[float]]:
    """Answers made of parts that are worth points, with a model that sees little of it."""
    random = np.random.default_rng(seed)
    made, marks = [], []
    for place in range(number):
        chosen = [entry for entry in PARTS if random.random() < 0.5]
        mark = sum(points for _, points in chosen)
        score = float(np.clip(0.5 + noise * random.normal(), 0, 1))
        text = " and ".join(text for text, _ in chosen) + f" in case {place}"
        made.append(ReadAnswer(question, "Why is it dark?", "The switch is open.", text, score, pack([mark, 1.0, 0.3])))
        marks.append(mark)
    return made, marks


def rmse(found: np.ndarray, marks: list[float]) -> float:
    return float(np.sqrt(np.mean((found - np.array(marks)) ** 2)))


def proposed(rows: list[ReadAnswer]) -> np.ndarray:
    return np.array([row.score for row in rows])


def test_ten_marks_help_and_forty_help_more() -> None:
    waiting, truth = answers(60, seed=1)
    found = []
    for number in (10, 40):
        marked, marks = answers(number, seed=2)
        found.append(rmse(learn(marked, marks, waiting).scores, truth))
    assert found[1] < found[0] < rmse(proposed(waiting), truth)


def test_without_marks_or_with_a_handful_that_cannot_be_judged_proposals_stay() -> None:
    waiting, _ = answers(5, seed=1)
    for number in (0, FEWEST_MARKS - 1):
        marked, marks = answers(number, seed=2)
        learned = learn(marked, marks, waiting)
        assert learned.scores.tolist() == proposed(waiting).tolist()
        assert not learned.corrected.any()


def test_a_question_without_marks_keeps_its_proposals() -> None:
    marked, marks = answers(40, seed=2)
    waiting, _ = answers(5, seed=1, question="another")
    learned = learn(marked, marks, waiting)
    assert learned.scores.tolist() == proposed(waiting).tolist()
    assert set(learned.errors) == {"q"}


def test_on_average_it_does_no_harm_where_marks_have_nothing_to_do_with_the_answers() -> None:
    """The model is right up to noise that no feature explains: a correction could only fit that noise."""
    before, after = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        rows, _ = answers(40, seed=seed)
        marks = np.clip(proposed(rows) + 0.15 * random.normal(size=40), 0, 1)
        learned = learn(rows[:12], marks[:12].tolist(), rows[12:])
        before.append(rmse(proposed(rows[12:]), marks[12:].tolist()) ** 2)
        after.append(rmse(learned.scores, marks[12:].tolist()) ** 2)
    assert np.mean(after) <= 1.1 * np.mean(before)


def test_a_correction_depends_neither_on_the_run_nor_on_what_waits_beside_it() -> None:
    marked, marks = answers(30, seed=2)
    waiting, _ = answers(9, seed=1)
    together = learn(marked, marks, waiting).scores
    assert together.tolist() == learn(marked, marks, waiting).scores.tolist()
    alone = [learn(marked, marks, [row]).scores[0] for row in waiting]
    assert together == pytest.approx(alone, abs=1e-9)


def test_errors_are_of_marked_answers_left_out_and_smaller_than_the_model_s_where_it_helps() -> None:
    marked, marks = answers(40, seed=2)
    learned = learn(marked, marks, [])
    assert learned.errors["q"].shape == learned.proposed_errors["q"].shape == (40,)
    assert learned.proposed_errors["q"] == pytest.approx(np.abs(np.array(marks) - proposed(marked)))
    assert 0 < learned.errors["q"].mean() < learned.proposed_errors["q"].mean()


def test_what_the_checks_found_something_in_is_never_raised() -> None:
    marked, marks = answers(30, seed=2)
    question = Question("q", "Why is it dark?", "The switch is open.")
    text = "the switch opens the circuit and no current flows through the lamp"
    notes = frozenset({MarkNote.ADDRESSES_GRADER})
    plain = read_answer(question, text, Proposal("a", 0.2, 0.2, embedding=pack([0.8, 1.0, 0.3])))
    held = read_answer(question, text, Proposal("a", 0.2, 0.2, notes=notes, embedding=pack([0.8, 1.0, 0.3])))
    raised, kept = learn(marked, marks, [plain, held]).scores
    assert raised > 0.4
    assert kept == pytest.approx(0.2)


def test_answers_without_embeddings_or_words_in_common_are_learned_from_too() -> None:
    marked = [ReadAnswer("q", "", "", text, 0.5) for text in ("", "?", "alpha", "beta", "gamma")]
    learned = learn(marked, [0.0, 0.0, 1.0, 1.0, 1.0], [ReadAnswer("q", "", "", "", 0.5)])
    assert 0 <= learned.scores[0] <= 1


def test_it_refuses_marks_that_do_not_fit_the_answers() -> None:
    with pytest.raises(ValueError, match="1 marked answers have 0 marks"):
        learn(answers(1, seed=1)[0], [], [])
