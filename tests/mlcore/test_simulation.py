from __future__ import annotations

import pytest

from mlcore.schemas import Answer, Example, MarkedAnswer, Proposal, Question
from mlcore.simulation import Step, play, promised, table

QUESTION = Question("q", "Why?", "Because.", max_points=4.0, step=0.5)


def papers(scores):
    return [
        Example(QUESTION, MarkedAnswer(Answer(str(row), f"answer number {row}"), 4.0 * score))
        for row, score in enumerate(scores)
    ]


def test_sure_and_right_proposals_save_papers_and_keep_the_marks():
    examples = papers([1.0] * 80)
    played = promised(examples, [Step(0, (0.99,) * 80), Step(30, (0.99,) * 80)], tolerance=0.1, risk=0.1)
    assert played.promised
    assert played.kept
    assert sum(not read for read in played.read) == 50 - 5
    assert max(abs(final - 1.0) for final in played.final) == pytest.approx(0.01)


def test_wrong_proposals_promise_nothing_and_every_paper_is_read():
    played = promised(papers([1.0] * 80), [Step(0, (0.2,) * 80), Step(40, (0.2,) * 80)], tolerance=0.1, risk=0.1)
    assert (played.promised, all(played.read), played.final) == (False, True, (1.0,) * 80)


def test_a_sample_that_contradicts_means_reading_all():
    examples = papers([1.0] * 30 + [0.0] * 50)
    played = promised(examples, [Step(30, (0.99,) * 80)], tolerance=0.1, risk=0.1)
    assert (played.promised, played.kept, all(played.read)) == (True, False, True)


def test_suggestions_for_marked_papers_are_those_from_before_the_mark():
    examples = papers([0.5, 1.0] * 12)
    proposals = [Proposal(example.marked.answer.id, 0.5, 2.0) for example in examples]
    steps = play(examples, proposals)
    assert [step.read for step in steps] == [0, 10, 20]
    assert steps[1].suggested[:10] == steps[0].suggested[:10] == (0.5,) * 10
    assert steps[2].suggested[10:20] == steps[1].suggested[10:20]


def test_the_table_has_a_line_for_each_way():
    examples = papers([1.0] * 80)
    text = table([(examples, [Step(30, (0.99,) * 80)])], (0.1,), (0.05, 0.1))
    assert "| reading all | 100 % |" in text
    assert "| 44% | 0.6 | 0.0% | 1 of 1 | 0 |" in text
    assert text.count("\n") == 6
