"""Results of a batch: written in one short transaction, each guarded by its job's attempt number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from courses.models import Criterion, Submission, SubmissionState
from courses.transitions import move_all
from grading import tasks
from grading.mapping import criterion_rows, on_step
from grading.models import (
    AnswerReading,
    CriterionScore,
    Feedback,
    Grade,
    GradeEvent,
    GradeSource,
    GradeState,
    GradingJob,
    JobState,
)
from grading.selectors import by_person
from grading.services.jobs import Claim, Ticket
from grading.services.leaks import feedback_without_passages
from mlcore.schemas import MarkNote, Proposal


def batch_write(*, claim: Claim, proposals: Mapping[int, Proposal]) -> int:
    """Write the proposals of a batch, by job id; the number of grades written.

    Nothing is written for a job that was cancelled or claimed again. Where a person has approved or worked on a grade
    meanwhile, or the student has handed in again, the job ends as cancelled with that reason.
    """
    proposals = feedback_without_passages(
        proposals=proposals,
        submissions={ticket.job_id: ticket.submission_id for ticket in claim.tickets},
        version_id=claim.version_id,
        question=claim.question,
    )
    for _ in range(2):
        try:
            with transaction.atomic():
                return _write(claim, proposals)
        except IntegrityError:
            # A grade appeared between our look and our write; the second look sees it.
            continue
    with transaction.atomic():
        return _write(claim, proposals)


def _write(claim: Claim, proposals: Mapping[int, Proposal]) -> int:
    tickets = [ticket for ticket in claim.tickets if ticket.job_id in proposals]
    reasons = _reasons(claim, tickets)
    won = _finish(tickets, reasons)
    keep = [ticket for ticket in won if ticket.submission_id not in reasons]
    _replace_proposals([ticket.submission_id for ticket in keep])
    results = [(ticket, proposals[ticket.job_id]) for ticket in keep]
    _write_grades(claim, results)
    _write_readings(claim, results)
    if results:
        # The teacher may have marked some of this assignment before.
        tasks.wake_correcting(
            Submission.objects.values_list("assignment", flat=True).get(pk=results[0][0].submission_id)
        )
    return len(keep)


def _reasons(claim: Claim, tickets: Sequence[Ticket]) -> dict[int, str]:
    """Why nothing is to be written for a submission, by its id. Locks the submissions: people's own grades wait."""
    keys = sorted(ticket.submission_id for ticket in tickets)
    states = dict(Submission.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", "state"))
    reasons: dict[int, str] = {}
    if not claim.takes_edited:
        edited = by_person().filter(submission__in=keys).values_list("submission", flat=True)
        reasons = dict.fromkeys(edited, "changed_meanwhile")
    approved = Grade.objects.filter(submission__in=keys, state=GradeState.APPROVED).select_for_update()
    reasons |= dict.fromkeys(approved.values_list("submission", flat=True), "approved_meanwhile")
    replaced = (key for key in keys if states.get(key) != SubmissionState.READY)
    return reasons | dict.fromkeys(replaced, "submission_replaced")


def _finish(tickets: Sequence[Ticket], reasons: Mapping[int, str]) -> list[Ticket]:
    """End the jobs that are still ours, with the reason why nothing is written where there is one; the ended ones."""
    ours = Q(pk__in=())
    for ticket in tickets:
        ours |= Q(pk=ticket.job_id, attempt=ticket.attempt)
    running = GradingJob.objects.filter(ours, state=JobState.RUNNING).select_for_update().order_by("pk")
    keys = set(running.values_list("pk", flat=True))
    won = [ticket for ticket in tickets if ticket.job_id in keys]
    by_reason: dict[str, list[int]] = defaultdict(list)
    for ticket in won:
        by_reason[reasons.get(ticket.submission_id, "")].append(ticket.job_id)
    for reason, jobs in sorted(by_reason.items()):
        to = JobState.CANCELLED if reason else JobState.SUCCEEDED
        ended = {"finished_at": timezone.now(), "error_code": reason, "error_detail": ""}
        if move_all(GradingJob.objects.filter(pk__in=jobs), [JobState.RUNNING], to, **ended) != len(jobs):
            raise IntegrityError("a job was taken back between two statements")
    return won


def _replace_proposals(submission_ids: Sequence[int]) -> None:
    """An earlier proposal makes room for the new one."""
    old = Grade.objects.filter(submission__in=submission_ids, state=GradeState.PROPOSED)
    keys = list(old.select_for_update().values_list("pk", flat=True))
    moved = move_all(Grade.objects.filter(pk__in=keys), [GradeState.PROPOSED], GradeState.SUPERSEDED)
    if moved != len(keys):
        raise IntegrityError("a proposal was approved between two statements")
    before, after = {"state": GradeState.PROPOSED}, {"state": GradeState.SUPERSEDED}
    GradeEvent.objects.bulk_create(
        [GradeEvent(grade_id=key, action="replaced", before=before, after=after) for key in keys]
    )


def _write_grades(claim: Claim, results: Sequence[tuple[Ticket, Proposal]]) -> None:
    known = set(
        Criterion.objects.filter(pk__in=[int(entry["id"]) for entry in claim.snapshot["criteria"]]).values_list(
            "pk", flat=True
        )
    )
    grades = Grade.objects.bulk_create([_grade(claim, ticket, proposal) for ticket, proposal in results])
    scores: list[CriterionScore] = []
    texts: list[Feedback] = []
    events: list[GradeEvent] = []
    for grade, (_, proposal) in zip(grades, results, strict=True):
        points = {score.criterion_id: score.points for score in proposal.criteria}
        scores += criterion_rows(grade, points, known)
        words = (proposal.feedback or "").replace("\0", "")
        texts.append(Feedback(grade=grade, proposed_text=words, text=words))
        events.append(GradeEvent(grade=grade, action="proposed", after=_what(claim, grade)))
    CriterionScore.objects.bulk_create(scores)
    Feedback.objects.bulk_create(texts)
    GradeEvent.objects.bulk_create(events)


def _write_readings(claim: Claim, results: Sequence[tuple[Ticket, Proposal]]) -> None:
    rows = [
        AnswerReading(
            submission_id=ticket.submission_id,
            version_id=claim.version_id,
            score=proposal.score,
            embedding=proposal.embedding,
        )
        for ticket, proposal in results
        if proposal.embedding
    ]
    AnswerReading.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["submission", "version"], update_fields=["score", "embedding"]
    )


def _grade(claim: Claim, ticket: Ticket, proposal: Proposal) -> Grade:
    maximum = Decimal(claim.snapshot["max_points"])
    blank = MarkNote.BLANK in proposal.notes
    return Grade(
        submission_id=ticket.submission_id,
        job_id=ticket.job_id,
        version_id=None if blank else claim.version_id,
        source=GradeSource.RULE if blank else GradeSource.MODEL,
        proposed_score=proposal.score,
        proposed_points=on_step(proposal.points, Decimal(claim.snapshot["step"]), maximum),
        max_points=maximum,
        rubric_snapshot=claim.snapshot,
        notes=sorted(proposal.notes),
        unread_characters=proposal.unread_characters,
    )


def _what(claim: Claim, grade: Grade) -> dict[str, Any]:
    what = {"state": GradeState.PROPOSED, "points": str(grade.proposed_points)}
    return what | ({"version": claim.version_name} if grade.version_id else {})
