"""Writing feedback again in a worker, for points that a teacher gave. A person waits at the desk for it: it is done
between the batches of a grading run, before the next one is taken."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grading.runtime_pulse import Pulse
from grading.services.rewrites import (
    RewriteClaim,
    rewrite_claim,
    rewrite_fail,
    rewrite_give_back,
    rewrite_heartbeat,
    rewrite_write,
)
from gradingsite import tallies
from gradingsite.redaction import hiding

if TYPE_CHECKING:
    from grading.runtime import Marker

log = logging.getLogger(__name__)


class Unwanted(Exception):
    """The teacher does not want it any more, or the process is stopping."""


def write_queued(marker: Marker, heart: Pulse) -> None:
    while not heart.stopping.is_set():
        claim = rewrite_claim()
        if claim is None:
            return
        _write(marker, claim, heart)


def _write(marker: Marker, claim: RewriteClaim, heart: Pulse) -> None:
    beat = heart.holding(lambda: rewrite_heartbeat(claim=claim))
    with beat as lease, hiding([claim.text]):

        def check(_done: int) -> None:
            if lease.lost.is_set() or heart.stopping.is_set():
                raise Unwanted

        try:
            engine = marker.ready(claim.version_directory, claim.version_name, heart)
            points = {claim.answer.id: float(claim.points)}
            found = engine.mark(claim.question, [claim.answer], points=points, on_progress=check)
            rewrite_write(claim=claim, text=found[0].feedback or "")
        except Unwanted:
            rewrite_give_back(claim=claim)
        except Exception:  # an odd answer or a broken version must not stop the marking behind it
            log.exception("feedback could not be written again (%s)", claim.pk)
            tallies.count("model_errors", kind="rewrite_failed")
            rewrite_fail(claim=claim)
