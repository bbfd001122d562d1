"""Marking a pilot in a worker. A person waits for it: it is done between the batches of a grading run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from grading.runtime_pulse import Pulse
from grading.services.pilots import PilotClaim, pilot_claim, pilot_fail, pilot_give_back, pilot_heartbeat, pilot_write
from gradingsite.redaction import hiding
from mlcore.base import BaseModelError
from mlcore.manifest import AdapterError

if TYPE_CHECKING:
    from grading.runtime import Marker

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The claim is lost, or the process is stopping."""


def pilots_mark(marker: Marker, heart: Pulse) -> None:
    while not heart.stopping.is_set():
        claim = pilot_claim()
        if claim is None:
            return
        _mark(marker, claim, heart)


def _mark(marker: Marker, claim: PilotClaim, heart: Pulse) -> None:
    beat = heart.holding(lambda: pilot_heartbeat(claim=claim))
    with beat as lease, hiding(claim.texts.values()):

        def check(_done: int) -> None:
            if lease.lost.is_set() or heart.stopping.is_set():
                raise Interrupted

        try:
            engine = marker.ready(claim.version_directory, claim.version_name, heart)
            pilot_write(claim=claim, proposals=engine.mark(claim.question, claim.answers, on_progress=check))
        except Interrupted:
            pilot_give_back(claim=claim)
        except AdapterError as error:
            log.error("pilot %s: %s", claim.pk, error)
            pilot_fail(claim=claim, code="adapter_unreadable")
        except BaseModelError as error:
            log.error("pilot %s: the base model could not be loaded: %s", claim.pk, error)
            pilot_fail(claim=claim, code="base_unreadable")
        except Exception:  # an odd answer must not stop the marking behind it
            log.exception("pilot %s could not be marked", claim.pk)
            pilot_fail(claim=claim, code="model_failed")
