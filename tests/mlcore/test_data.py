"""What is trained on, held out and measured."""

from __future__ import annotations

from mlcore.data import feedback_items, held_out_questions, sample_evenly, scorer_items
from mlcore.schemas import Answer, Criterion, Example, MarkedAnswer, Question


def _examples(group: str, questions: int, answers: int = 4) -> list[Example]:
    return [
        Example(Question(f"{group}/{q}", "Why?", max_points=2.0), MarkedAnswer(Answer(str(a), "x"), a % 3), group)
        for q in range(questions)
        for a in range(answers)
    ]


def test_whole_questions_are_held_out_of_each_set() -> None:
    rows = _examples("a", 20) + _examples("b", 10)
    held = held_out_questions(rows, 0.2, seed=1)
    assert len([name for name in held if name.startswith("a/")]) == 4
    assert len([name for name in held if name.startswith("b/")]) == 2
    assert held == held_out_questions(list(reversed(rows)), 0.2, seed=1)
    assert held != held_out_questions(rows, 0.2, seed=2)


def test_nothing_is_held_out_of_a_small_set() -> None:
    assert held_out_questions(_examples("a", 3), 0.5, seed=0) == frozenset()


def test_criteria_are_learnt_where_a_teacher_gave_points_for_them() -> None:
    criteria = (Criterion("c", "C", 4.0), Criterion("d", "D", 1.0))
    question = Question("q", "Why?", max_points=5.0, criteria=criteria)
    items = scorer_items([Example(question, MarkedAnswer(Answer("1", "x"), 2.5, None, {"c": 1.0}))])
    assert [item.target for item in items] == [0.5, 0.25]


def test_blank_answers_and_missing_feedback_are_nothing_to_learn_from() -> None:
    question = Question("q", "Why?")
    blank = Example(question, MarkedAnswer(Answer("1", " \n"), 0.0, "Nothing here."))
    silent = Example(question, MarkedAnswer(Answer("2", "x"), 1.0, " "))
    assert scorer_items([blank]) == []
    assert feedback_items([blank, silent]) == []


def test_a_sample_takes_as_much_from_each_set() -> None:
    items = scorer_items(_examples("big", 50) + _examples("small", 2))
    chosen = sample_evenly(items, 40, seed=0)
    assert len(chosen) == 40
    assert len([item for item in chosen if item.group == "small"]) == 8
    assert chosen == sample_evenly(items, 40, seed=0)
