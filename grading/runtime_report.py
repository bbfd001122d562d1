"""What a worker tells of the run that it marks: about once a second, for the people who watch the run's page.

It is told outside every transaction and decides nothing, so a report that is lost or late does no harm.
"""

from __future__ import annotations

import logging
import time

from django.db import DatabaseError
from django.utils import timezone

from grading.models import RunReport
from grading.services.jobs import Claim
from mlcore.schemas import MarkProgress

log = logging.getLogger(__name__)

SECONDS = 1.0  # between two writes


class Reporter:
    """Tells how far a claimed batch is. The first report is due when the model is loaded."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._row: RunReport | None = None
        self._written_at = 0.0
        self._looked_at = 0.0
        self._before = 0
        self._last = MarkProgress()

    def begin(self, blank: int) -> None:
        """The batch is begun, and so many of its answers are done already because they are blank."""
        now = timezone.now()
        self._before = blank
        try:
            self._row, _ = RunReport.objects.get_or_create(
                run_id=self._claim.run_id, worker=self._claim.worker, defaults={"began_at": now, "told_at": now}
            )
        except DatabaseError as error:
            log.warning("the run's page is told nothing of this batch: %s", error)
            return
        self._row.batch = len(self._claim.tickets)
        self._tell(MarkProgress())
        self._save()

    def lot(self) -> None:
        """A lot of the batch is handed to the model: what it tells begins at nothing."""
        self._last = MarkProgress()
        self._looked_at = time.monotonic()

    def worked(self, progress: MarkProgress) -> None:
        """The model has got so far with its lot."""
        row, now = self._row, time.monotonic()
        if row is None:
            return
        seconds, self._looked_at = now - self._looked_at, now
        if progress.scored > self._last.scored:
            row.scored += progress.scored - self._last.scored
            row.scoring_seconds += seconds
        else:
            row.written += max(0.0, progress.written - self._last.written)
            row.writing_seconds += seconds
        self._last = progress
        self._tell(progress)
        if now - self._written_at >= SECONDS:
            self._save()

    def lot_done(self, answers: int) -> None:
        """So many answers more are through, well or badly."""
        self._before += answers

    def end(self) -> None:
        """Nothing is at work any more."""
        if self._row is not None:
            self._row.batch = self._row.batch_scored = 0
            self._row.batch_written = 0.0
            self._save()

    def _tell(self, progress: MarkProgress) -> None:
        if self._row is not None:
            self._row.batch_scored = self._before + progress.scored
            self._row.batch_written = self._before + (progress.written if self._claim.with_feedback else 0.0)

    def _save(self) -> None:
        row, self._written_at = self._row, time.monotonic()
        if row is None:
            return
        row.told_at = timezone.now()
        fields = ("told_at", "scored", "scoring_seconds", "written", "writing_seconds")
        values = {name: getattr(row, name) for name in (*fields, "batch", "batch_scored", "batch_written")}
        try:
            RunReport.objects.filter(pk=row.pk).update(**values)
        except DatabaseError as error:
            log.warning("the run's page was not told how far the batch is: %s", error)
