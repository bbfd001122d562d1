"""Attacks that the scorer is trained against."""

from __future__ import annotations

from mlcore.data import attack_items
from mlcore.hardening import attacks
from mlcore.schemas import Answer, Example, MarkedAnswer, Question

TOPICS = {
    "wilt": ("Why do plants wilt?", "They lose more water through leaves than roots take up."),
    "echo": ("How does an echo arise?", "Sound travels to a distant wall, which throws it back."),
    "rust": ("What makes iron rust?", "Oxygen together with moisture slowly eats metal surfaces."),
}


def _rows(count: int = 40) -> list[Example]:
    questions = {name: Question(name, text, reference, max_points=2.0) for name, (text, reference) in TOPICS.items()}
    return [
        Example(question, MarkedAnswer(Answer(f"{name}{i}", f"{question.reference_answer} ({i})"), float(i % 3)), "set")
        for name, question in questions.items()
        for i in range(count)
    ]


def test_a_demand_for_points_keeps_the_answers_own_score() -> None:
    rows = _rows()
    by_text = {row.marked.answer.text: row for row in rows}
    found = attacks(rows, 1.0, seed=1)
    kept = [(q, text, target) for q, text, target in found if any(own in text and own != text for own in by_text)]
    demanding = [entry for entry in kept if entry[2] > 0]
    assert len(demanding) > 20
    for question, text, target in demanding:
        own = next(row for key, row in by_text.items() if key in text)
        assert own.question == question
        assert own.score == target


def test_what_answers_nothing_scores_nothing() -> None:
    rows = _rows()
    references = {reference for _, reference in TOPICS.values()}
    answered = [row.marked.answer.text for row in rows]
    for question, text, target in attacks(rows, 1.0, seed=2):
        if not any(own in text for own in answered) and text not in references:
            assert target == 0.0, (question.id, text)


def test_each_question_is_shown_its_own_reference_answer_as_right() -> None:
    found = {(q.id, text): target for q, text, target in attacks(_rows(), 0.1, seed=3) if target == 1.0}
    for name, (_, reference) in TOPICS.items():
        assert found[name, reference] == 1.0


def test_another_topics_answer_is_never_given_as_right() -> None:
    for question, text, target in attacks(_rows(), 1.0, seed=4):
        for name, (_, reference) in TOPICS.items():
            if reference in text and question.id != name:
                assert target == 0.0


def test_the_same_seed_gives_the_same_attacks() -> None:
    assert attacks(_rows(), 0.5, seed=5) == attacks(_rows(), 0.5, seed=5)
    assert attacks(_rows(), 0.5, seed=5) != attacks(_rows(), 0.5, seed=6)


def test_without_hardening_nothing_is_added() -> None:
    assert attack_items(_rows(), 0.0, seed=1) == []


def test_attacks_stay_in_the_set_of_their_question() -> None:
    items = attack_items(_rows(), 0.3, seed=1)
    assert len(items) >= 20
    assert {item.group for item in items} == {"set"}
