from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from grading.splits import HELD_OUT, TRAIN, VALIDATION, SplitItem, split_examples


def items(questions: int, students: int) -> list[SplitItem]:
    return [
        SplitItem(100 * q + s, f"Question {q}", f"student-{s}", f"answer {s} to {q}")
        for q in range(questions)
        for s in range(students)
    ]


def test_with_enough_questions_whole_questions_are_held_out():
    rows = items(10, 6)
    split = split_examples(rows, seed=1)
    assert split.by == "question"
    held = {row.question for row in rows if split.sides[row.key] == HELD_OUT}
    assert len(held) == 2
    assert all(split.sides[row.key] == HELD_OUT for row in rows if row.question in held)


def test_with_few_questions_a_students_answers_stay_together():
    rows = items(2, 20)
    split = split_examples(rows, seed=1)
    assert split.by == "student"
    for student in {row.student for row in rows}:
        assert len({split.sides[row.key] for row in rows if row.student == student}) == 1
    assert Counter(split.sides.values())[HELD_OUT] >= 6


def test_the_same_question_in_two_courses_is_one_question():
    rows = [SplitItem(i, f"Question  {i % 5}" if i < 25 else f"question {i % 5}", "", f"a{i}") for i in range(50)]
    split = split_examples(rows, seed=3)
    sides = {}
    for row in rows:
        sides.setdefault(row.key % 5, set()).add(split.sides[row.key] == HELD_OUT)
    assert all(len(kinds) == 1 for kinds in sides.values())


def test_the_order_of_the_rows_does_not_matter():
    rows = items(3, 10)
    assert split_examples(rows, 5) == split_examples(rows[::-1], 5)


# No deadline: on a busy machine a slow draw says nothing.
@given(
    texts=st.lists(st.sampled_from("abcdefghijkl"), min_size=12, max_size=60),
    questions=st.integers(1, 6),
    seed=st.integers(0, 9),
)
def test_identical_answers_to_one_question_never_lie_on_two_sides(texts, questions, seed):
    rows = [SplitItem(i, f"q{i % questions}", "", text) for i, text in enumerate(texts)]
    split = split_examples(rows, seed)
    assert set(split.sides) == {row.key for row in rows}
    sides: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        sides.setdefault((row.question, row.text), set()).add(split.sides[row.key])
    assert all(len(found) == 1 for found in sides.values())
    assert set(split.sides.values()) <= {TRAIN, VALIDATION, HELD_OUT}
