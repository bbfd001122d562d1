"""Feedback is kept free of long passages of other students' answers, before it is written for anyone to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from courses.models import Submission
from grading.models import TrainingRunExample
from mlcore.leaks import Runs, runs_of, without_passages
from mlcore.schemas import MarkNote, Proposal, Question

# Of this many of the latest answers to the assignment; a course has hundreds.
MOST_ANSWERS = 2000


def feedback_without_passages(
    *, proposals: Mapping[int, Proposal], submissions: Mapping[int, int], version_id: int, question: Question
) -> dict[int, Proposal]:
    """The proposals with their feedback checked against the answers of others: to the same assignment, and those that
    the version was trained on. `submissions` names the answer of each proposal. What loses a sentence gets a note."""
    written = {key: proposal for key, proposal in proposals.items() if proposal.feedback and key in submissions}
    if not written:
        return dict(proposals)
    texts = _answers_beside(submissions[next(iter(written))])
    learned, told = learned_runs(version_id), runs_of([question.text, question.instructions, question.reference_answer])
    return {**proposals, **{key: _checked(row, submissions[key], texts, learned, told) for key, row in written.items()}}


def text_without_passages(*, text: str, submission: Submission, version_id: int) -> str:
    """One text, as `feedback_without_passages` has it."""
    texts, assignment = _answers_beside(submission.pk), submission.assignment
    known = runs_of([submission.text, assignment.question, assignment.reference_answer])
    others = runs_of(other for pk, other in texts.items() if pk != submission.pk)
    return without_passages(text, others | learned_runs(version_id), known)


@lru_cache(maxsize=2)
def learned_runs(version_id: int) -> Runs:
    """What stands in the answers that this version was trained on; a worker counts them once for each version."""
    rows = TrainingRunExample.objects.filter(run__version=version_id, example__isnull=False)
    return runs_of(str(row.get("answer") or "") for row in rows.values_list("example__row", flat=True).iterator())


@lru_cache(maxsize=2 * MOST_ANSWERS)
def _runs(text: str) -> Runs:
    """Every batch of a class is compared with the same answers."""
    return runs_of([text])


def _answers_beside(submission_id: int) -> dict[int, str]:
    rows = Submission.objects.current().filter(assignment__submissions=submission_id).order_by("-pk")
    return dict(rows.values_list("pk", "text")[:MOST_ANSWERS])


def _checked(row: Proposal, own: int, texts: Mapping[int, str], learned: Runs, told: Runs) -> Proposal:
    others = Runs().union(*(_runs(text) for pk, text in texts.items() if pk != own))
    said = without_passages(row.feedback or "", others | learned, told | runs_of([texts.get(own, "")]))
    if said == row.feedback:
        return row
    return replace(row, feedback=said, notes=row.notes | {MarkNote.OTHERS_WORDS})
