"""Marking in a worker process: the loaded model, and batches from claim to result. No web process imports it."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from django.conf import settings

from grading import tasks
from grading.mapping import question_of
from grading.models import GradingJob, GradingRun, JobState, ModelVersion, WorkerKind
from grading.runtime_pilots import pilots_mark
from grading.runtime_pulse import Lease, Pulse, pulse
from grading.runtime_report import Reporter
from grading.runtime_rewrites import write_queued
from grading.runtime_trials import shadow_mark, trials_mark
from grading.services.jobs import Claim, Ticket, job_fail, jobs_claim, jobs_give_back, jobs_heartbeat
from grading.services.results import batch_write
from grading.services.training import base_config
from grading.services.versions import version_directory
from gradingsite import logs, tallies
from gradingsite.redaction import hiding
from mlcore.base import BaseModelError
from mlcore.blank import blank_proposal
from mlcore.config import ComputeDtype
from mlcore.deadline import TEXT_SECONDS, TooSlow
from mlcore.dtypes import Offer, offer
from mlcore.engine import Engine
from mlcore.manifest import AdapterError
from mlcore.prompts import is_blank
from mlcore.schemas import Proposal

log = logging.getLogger(__name__)

Proposals = dict[int, Proposal]


class Interrupted(Exception):
    """The batch is not to be finished: it was cancelled or given away, or the process is stopping."""


class Marker:
    """The one engine of this process, and how large a batch its memory has been seen to take."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.limit = settings.MARKING_BATCH_SIZE
        self._offer: Offer | None = None

    def ready(self, directory: Path, name: str, heart: Pulse, dtype: str = "") -> Engine:
        """The engine with this version attached, multiplying in a dtype, or in this machine's own choice.

        The base model is loaded at the first call, and again for another dtype.
        """
        wanted = dtype or self.offer(heart).own
        if self.engine is None or self.engine.dtype != wanted:
            self.engine = None  # two would not fit into every memory
            with heart.loading():
                base = replace(base_config(), compute_dtype=cast("ComputeDtype", wanted))
                self.engine = Engine(base, text_seconds=_text_seconds())
        if self.engine.version != directory:
            self.engine.use(directory)
        heart.tell(
            device=self.engine.device,
            compute_dtype=self.engine.dtype,
            base_name=self.engine.base_info.name,
            version_name=name,
        )
        return self.engine

    def offer(self, heart: Pulse) -> Offer:
        """What this machine multiplies matrices in; which is faster is measured at its very first call.

        Raises:
            BaseModelError: there is no base model to ask for.
        """
        if self._offer is None:
            self._offer = offer(base_config())
            heart.tell(dtypes=",".join(self._offer.known), dtype_timing=self._offer.timing)
        return self._offer

    def dtypes(self, heart: Pulse) -> tuple[str, ...]:
        """What it can multiply in, its own choice first; nothing where that cannot be known: marking then says why."""
        try:
            found = self.offer(heart)
        except (BaseModelError, RuntimeError, MemoryError):
            return ()
        return (found.own, *(name for name in found.known if name != found.own))


def _text_seconds() -> float:
    """How long the checks of one text may take: while a pattern holds the interpreter, no lease is renewed."""
    return max(1.0, min(TEXT_SECONDS, settings.LEASE_SECONDS / 3))


_marker: Marker | None = None


def marker() -> Marker:
    global _marker  # noqa: PLW0603 - one per process: it holds the model
    if _marker is None:
        _marker = Marker()
    return _marker


def mark_queued() -> None:
    """Mark batches until nothing is queued or the slice of time is over. What is left after the first batch gets a
    message of its own: for a second worker that is free, or for this one when its slice is over."""
    heart = pulse(WorkerKind.MARKING)
    ends = time.monotonic() + settings.MARKING_SLICE_SECONDS
    passed_on = False
    while not heart.stopping.is_set():
        write_queued(marker(), heart)
        pilots_mark(marker(), heart)
        trials_mark(marker(), heart)
        claim = jobs_claim(worker=heart.name, limit=marker().limit, dtypes=marker().dtypes(heart))
        if claim is None:
            if shadow_mark(marker(), heart):
                continue
            _say_what_is_left(heart)
            return
        if not mark_batch(claim, heart):
            return
        # Not before a batch went well: a worker that cannot load its model shall not hurry through the queue.
        if not passed_on and GradingJob.objects.filter(state=JobState.QUEUED).exists():
            tasks.wake_marking()
            passed_on = True
        if time.monotonic() > ends:
            return


def _say_what_is_left(heart: Pulse) -> None:
    dtypes = marker().dtypes(heart)
    for run in GradingRun.objects.out_of_reach(dtypes) if dtypes else ():
        log.warning(
            "run %s was begun in %s, which this machine cannot multiply in, and is left to others",
            run.pk,
            run.compute_dtype,
        )


def warm_up() -> None:
    """Load the model before it is needed, so that the first run does not wait for it."""
    if marker().engine is not None:
        return
    version = ModelVersion.objects.in_use()
    try:
        if version is not None:
            marker().ready(version_directory(version), version.name, pulse(WorkerKind.MARKING))
    except (BaseModelError, AdapterError, RuntimeError, MemoryError) as error:
        log.warning("the model could not be loaded: %s", error)


def mark_batch(claim: Claim, heart: Pulse) -> bool:
    """Mark a claimed batch and write what came of it. False where going on makes no sense for now."""
    jobs = ",".join(str(ticket.job_id) for ticket in claim.tickets)
    with logs.about(run=claim.run_id, jobs=jobs), hiding(ticket.text for ticket in claim.tickets):
        begun = time.monotonic()
        done = _mark_batch(claim, heart)
        log.info("a batch of %s took %.1f s", len(claim.tickets), time.monotonic() - begun)
        return done


def _mark_batch(claim: Claim, heart: Pulse) -> bool:
    blank = [ticket for ticket in claim.tickets if is_blank(ticket.text)]
    written = [ticket for ticket in claim.tickets if ticket not in blank]
    question = question_of("", claim.snapshot)
    proposals = {ticket.job_id: blank_proposal(question, str(ticket.job_id)) for ticket in blank}
    report = Reporter(claim)
    with heart.holding(lambda: jobs_heartbeat(claim=claim) > 0) as lease:
        usable = True
        if written:
            try:
                found = _mark_written(claim, written, heart, lease, report)
            except Interrupted:
                jobs_give_back(claim=claim, tickets=claim.tickets)
                report.end()
                return not heart.stopping.is_set()
            usable = found is not None
            proposals |= found or {}
        tallies.count("marks", batch_write(claim=claim, proposals=proposals))
    report.end()
    return usable


def _mark_written(
    claim: Claim, tickets: Sequence[Ticket], heart: Pulse, lease: Lease, report: Reporter
) -> Proposals | None:
    """Proposals for answers that have something in them; None where no model could be loaded."""
    try:
        engine = marker().ready(claim.version_directory, claim.version_name, heart, claim.compute_dtype)
    except AdapterError as error:
        log.error("run %s: %s", claim.run_id, error)
        for ticket in tickets:
            job_fail(ticket=ticket, code="adapter_unreadable", detail=str(error), final=True)
        return {}
    except (BaseModelError, RuntimeError, MemoryError) as error:
        log.error("the base model could not be loaded: %s", error)
        for ticket in tickets:
            job_fail(ticket=ticket, code="base_unreadable", detail=str(error))
        return None
    report.begin(blank=len(claim.tickets) - len(tickets))
    return _mark(engine, claim, tickets, _watch(heart, lease), report)


def _watch(heart: Pulse, lease: Lease) -> Callable[[int], None]:
    """Called by the engine between its steps: the only place where marking can be left early. A worker that is told to
    stop finishes its batch, unless that takes longer than it is given."""

    def check(done: int) -> None:
        if lease.lost.is_set() or heart.stopping.hurries():
            raise Interrupted

    return check


def _mark(
    engine: Engine, claim: Claim, tickets: Sequence[Ticket], check: Callable[[int], None], report: Reporter
) -> Proposals:
    """Mark answers together. Where that fails they are marked in smaller lots, so that a bad one fails alone."""
    check(0)
    answers = [ticket.answer for ticket in tickets]
    begun = time.monotonic()
    report.lot()
    try:
        found = engine.mark(
            claim.question, answers, feedback=claim.with_feedback, on_progress=check, on_work=report.worked
        )
    except Interrupted:
        raise
    except Exception as error:  # whatever an odd answer can do to a model must not stop the others
        # The traceback holds the tensors of the failed batch: it must be gone before the next try.
        too_large = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if len(tickets) == 1:
            log.exception("job %s could not be marked", tickets[0].job_id)
            slow = isinstance(error, TooSlow)  # the next try would be as slow
            code = "answer_too_slow" if slow else "out_of_memory" if too_large else "model_failed"
            job_fail(ticket=tickets[0], code=code, detail=f"{type(error).__name__}: {error}", final=slow)
            report.lot_done(1)
            return {}
        log.warning("a batch of %s failed and is marked in smaller lots: %s", len(tickets), error)
    else:
        tallies.count("model_seconds", time.monotonic() - begun)
        report.lot_done(len(tickets))
        return {ticket.job_id: proposal for ticket, proposal in zip(tickets, found, strict=True)}
    return _mark_lots(engine, claim, tickets, check, report, halves=too_large)


def _mark_lots(
    engine: Engine,
    claim: Claim,
    tickets: Sequence[Ticket],
    check: Callable[[int], None],
    report: Reporter,
    *,
    halves: bool,
) -> Proposals:
    size = (len(tickets) + 1) // 2 if halves else 1
    if halves:
        marker().limit = max(1, min(marker().limit, size))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    proposals: Proposals = {}
    for start in range(0, len(tickets), size):
        proposals |= _mark(engine, claim, tickets[start : start + size], check, report)
    return proposals
