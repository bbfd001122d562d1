"""Trying the rubric on a few papers: marked by a worker, written to nobody's grade."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from courses.models import Assignment, Submission
from courses.transitions import move_all
from grading import tasks
from grading.exceptions import NoModelVersion, NothingToTry, PilotUnderWay, TooManyToTry
from grading.mapping import on_step, question_key, question_of, rubric_snapshot
from grading.models import ModelVersion, Pilot, PilotPaper, PilotState
from grading.services.claiming import claims
from grading.services.pilot_intervals import Span, proposal_spans
from grading.services.versions import version_directory
from gradingsite import tallies
from mlcore.schemas import Answer, Proposal, Question

PAPERS, MOST_PAPERS = 5, 10
KEPT = 10
ATTEMPTS = 3


@dataclass(frozen=True)
class PilotClaim:
    """One pilot that a worker holds, as long as the attempt is still this one."""

    pk: int
    attempt: int
    version_name: str
    version_directory: Path
    key: str
    snapshot: Mapping[str, Any]
    texts: Mapping[int, str]

    @property
    def question(self) -> Question:
        return question_of(self.key, self.snapshot)

    @property
    def answers(self) -> list[Answer]:
        return [Answer(str(pk), text) for pk, text in self.texts.items()]


def pilot_start(*, assignment: Assignment, by: User, submissions: Sequence[Submission] = ()) -> Pilot:
    """Have a few papers marked as the assignment stands now: those given, or those of the last pilot, so that the two
    can be compared, or five by chance, the same every time.

    Raises:
        NoModelVersion: none is in use.
        TooManyToTry: more papers were chosen than a person looks at.
        NothingToTry: there is no readable answer yet.
        PilotUnderWay: one is being marked already.
    """
    version = ModelVersion.objects.in_use(assignment.course_id)
    if version is None:
        raise NoModelVersion
    if len(submissions) > MOST_PAPERS:
        raise TooManyToTry(most=MOST_PAPERS)
    papers = list(submissions) or papers_to_try(assignment)
    if not papers:
        raise NothingToTry
    with transaction.atomic():
        try:
            with transaction.atomic():
                pilot = Pilot.objects.create(
                    assignment=assignment, by=by, version=version, snapshot=rubric_snapshot(assignment)
                )
        except IntegrityError as error:
            raise PilotUnderWay from error
        PilotPaper.objects.bulk_create([PilotPaper(pilot=pilot, submission=paper) for paper in papers])
        old = Pilot.objects.filter(assignment=assignment).values_list("pk", flat=True)[KEPT:]
        Pilot.objects.filter(pk__in=list(old)).delete()
        tasks.wake_marking()
    return pilot


def papers_to_try(assignment: Assignment) -> list[Submission]:
    """The papers of the last pilot that are still there, or five by chance."""
    ready = Submission.objects.current().ready().filter(assignment=assignment)
    last = Pilot.objects.filter(assignment=assignment).first()
    again = list(ready.filter(pk__in=last.papers.values("submission")).order_by("pk")) if last else []
    if again:
        return again
    keys = sorted(ready.values_list("pk", flat=True), key=lambda pk: hashlib.sha256(str(pk).encode()).digest())
    return list(ready.filter(pk__in=keys[:PAPERS]).order_by("pk"))


@claims
def pilot_claim() -> PilotClaim | None:
    """Take the oldest pilot that waits, or None where none does."""
    for row in Pilot.objects.filter(state=PilotState.QUEUED).select_related("version").order_by("pk"):
        mine = Pilot.objects.filter(pk=row.pk, attempt=row.attempt)
        taken = {"attempt": row.attempt + 1, "heartbeat_at": timezone.now()}
        if move_all(mine, [PilotState.QUEUED], PilotState.RUNNING, **taken):
            claim = _claim(row)
            if claim is not None:
                return claim
            move_all(Pilot.objects.filter(pk=row.pk), [PilotState.RUNNING], PilotState.FAILED, error_code="no_version")
    return None


def _claim(row: Pilot) -> PilotClaim | None:
    if row.version is None:
        return None
    papers = row.papers.select_related("submission")
    return PilotClaim(
        pk=row.pk,
        attempt=row.attempt + 1,
        version_name=row.version.name,
        version_directory=version_directory(row.version),
        key=question_key(row.assignment),
        snapshot=row.snapshot,
        texts={paper.pk: paper.submission.text for paper in papers},
    )


def _held(claim: PilotClaim) -> Any:
    return Pilot.objects.filter(pk=claim.pk, attempt=claim.attempt, state=PilotState.RUNNING)


def pilot_heartbeat(*, claim: PilotClaim) -> bool:
    return bool(_held(claim).update(heartbeat_at=timezone.now()))


def pilot_write(*, claim: PilotClaim, proposals: Sequence[Proposal]) -> bool:
    """Keep what the model proposed; False where the claim is lost."""
    step, maximum = Decimal(claim.snapshot["step"]), Decimal(claim.snapshot["max_points"])
    most = {entry["id"]: Decimal(entry["points"]) for entry in claim.snapshot["criteria"]}
    spans = _spans(claim, proposals)
    with transaction.atomic():
        if not move_all(_held(claim), [PilotState.RUNNING], PilotState.DONE):
            return False
        for proposal in proposals:
            criteria = {score.criterion_id: score.points for score in proposal.criteria}
            low, high = spans.get(proposal.answer_id) or (None, None)
            PilotPaper.objects.filter(pilot=claim.pk, pk=proposal.answer_id).update(
                points=on_step(proposal.points, step, maximum),
                low=low,
                high=high,
                criteria=[str(on_step(criteria.get(key, 0.0), step, limit)) for key, limit in most.items()],
                feedback=(proposal.feedback or "").replace("\0", ""),
            )
    return True


def _spans(claim: PilotClaim, proposals: Sequence[Proposal]) -> dict[str, Span | None]:
    """The interval of each proposal by its answer's id; nothing where the pilot or its version is gone."""
    pilot = Pilot.objects.select_related("assignment").filter(pk=claim.pk, version__isnull=False).first()
    if pilot is None or pilot.version_id is None:
        return {}
    found = {str(paper.pk): paper.submission for paper in pilot.papers.select_related("submission")}
    kept = [proposal for proposal in proposals if proposal.answer_id in found]
    spans = proposal_spans(
        assignment=pilot.assignment,
        version_id=pilot.version_id,
        snapshot=claim.snapshot,
        papers=[found[proposal.answer_id] for proposal in kept],
        proposals=kept,
    )
    return {proposal.answer_id: span for proposal, span in zip(kept, spans, strict=True)}


def pilot_fail(*, claim: PilotClaim, code: str) -> None:
    tallies.count("model_errors", kind=code)
    move_all(_held(claim), [PilotState.RUNNING], PilotState.FAILED, error_code=code)


def pilot_give_back(*, claim: PilotClaim) -> None:
    move_all(_held(claim), [PilotState.RUNNING], PilotState.QUEUED, attempt=F("attempt") - 1)


def pilots_release_stale() -> int:
    """Take back what lost workers held; the number queued again."""
    before = timezone.now() - timedelta(seconds=settings.LEASE_SECONDS)
    stale = Pilot.objects.filter(state=PilotState.RUNNING, heartbeat_at__lt=before)
    move_all(stale.filter(attempt__gte=ATTEMPTS), [PilotState.RUNNING], PilotState.FAILED, error_code="worker_lost")
    return move_all(stale, [PilotState.RUNNING], PilotState.QUEUED)
