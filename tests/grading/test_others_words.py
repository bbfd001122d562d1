"""Feedback that repeats a long passage of another student's answer loses it before anybody sees it."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.models import Grade, TrainingExample, TrainingRun, TrainingRunExample
from grading.services.jobs import jobs_claim
from grading.services.leaks import learned_runs, text_without_passages
from grading.services.results import batch_write
from mlcore.leaks import WORDS, runs_of, without_passages
from mlcore.schemas import Proposal
from tests.grading.factories import make_assignment, make_run, make_submission, make_version

SECRET = "my grandmother in Lübeck told me that the bulb went dark when her neighbour cut the wire"
FEEDBACK = f"You name the gap. {SECRET.capitalize()}. Say what flows."


@pytest.fixture(autouse=True)
def _counted_anew() -> None:
    learned_runs.cache_clear()


def marked(assignment, own: str = "The gap opens the circuit.", version=None) -> Grade:
    submission = make_submission(assignment, text=own)
    make_run(assignment, [submission], version=version or make_version())
    claim = jobs_claim(worker="w", limit=1)
    proposal = Proposal("1", 0.5, 2.0, feedback=FEEDBACK)
    batch_write(claim=claim, proposals={claim.tickets[0].job_id: proposal})
    return Grade.objects.get()


@pytest.mark.django_db
def test_a_passage_of_a_classmate_is_left_out_and_told_to_the_teacher():
    assignment = make_assignment()
    make_submission(assignment, text=f"Well: {SECRET.upper()}!")
    grade = marked(assignment)
    assert grade.feedback.text == grade.feedback.proposed_text == "You name the gap. Say what flows."
    assert grade.notes == ["others_words"]


@pytest.mark.django_db
def test_a_passage_of_an_answer_that_the_version_learned_from_is_left_out_wherever_that_was_written():
    version = make_version()
    run = TrainingRun.objects.create(request_key=uuid.uuid4(), config={}, version=version, state="succeeded")
    example = TrainingExample.objects.create(
        source="uploaded", state="accepted", question_key="q", row={"answer": SECRET}, content_hash="0"
    )
    TrainingRunExample.objects.create(run=run, example=example, content_hash="0", split="train")
    assert "Lübeck" not in marked(make_assignment(), version=version).feedback.text


@pytest.mark.django_db
def test_what_the_student_wrote_may_be_repeated_to_them():
    assignment = make_assignment()
    make_submission(assignment, text=SECRET)
    grade = marked(assignment, own=SECRET)
    assert grade.feedback.text == FEEDBACK
    assert grade.notes == []


@pytest.mark.django_db
def test_feedback_that_is_written_again_is_checked_as_well():
    assignment = make_assignment()
    make_submission(assignment, text=SECRET)
    own = make_submission(assignment, text="The gap.")
    assert "Lübeck" not in text_without_passages(text=FEEDBACK, submission=own, version_id=make_version().pk)


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), st.lists(st.sampled_from("abcdefgh"), max_size=60)
)
def test_no_run_of_anothers_words_is_left(said: list[str], other: list[str]) -> None:
    text = ". ".join(" ".join(said[i : i + 7]) for i in range(0, len(said), 7))
    others = runs_of([" ".join(other)], 3)
    left = without_passages(text, others, frozenset(), 3)
    if not others & runs_of([text], 3):
        assert left == text
    assert WORDS > 3
    for sentence in left.split(". "):
        assert not others & runs_of([sentence], 3)
