"""What an admin waits for at a version's page, and what nobody waits for: trials, and shadow marks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from grading.mapping import question_of
from grading.runtime_pulse import Pulse
from grading.services.shadows import ShadowWork, shadow_next, shadow_write
from grading.services.trials import TrialClaim, trial_claim, trial_fail, trial_give_back, trial_heartbeat, trial_write
from mlcore.base import BaseModelError
from mlcore.manifest import AdapterError
from mlcore.prompts import is_blank
from mlcore.schemas import Answer, Proposal

if TYPE_CHECKING:
    from grading.runtime import Marker

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """The claim is lost, or the process is stopping."""


def trials_mark(marker: Marker, heart: Pulse) -> None:
    """Mark the trials that wait: a person watches for them."""
    while not heart.stopping.is_set():
        claim = trial_claim()
        if claim is None:
            return
        _try(marker, claim, heart)


def shadow_mark(marker: Marker, heart: Pulse) -> bool:
    """Mark one lot of answers in shadow mode; False where none is left. Only to be called with nothing else to do."""
    work = shadow_next()
    if work is None:
        return False
    written = [Answer(str(pk), text) for pk, text in work.texts.items() if not is_blank(text)]
    scores: dict[int, float | None] = dict.fromkeys(work.texts, 0.0)
    try:
        scores |= _shadow_scores(marker, work, written, heart)
    except Interrupted:
        return False
    shadow_write(work=work, scores=scores)
    return True


def _shadow_scores(marker: Marker, work: ShadowWork, answers: list[Answer], heart: Pulse) -> dict[int, float | None]:
    def check(_done: int) -> None:
        if heart.stopping.is_set():
            raise Interrupted

    if not answers:
        return {}
    try:
        engine = marker.ready(work.version_directory, work.version_name, heart)
        found = engine.mark(question_of(work.key, work.snapshot), answers, feedback=False, on_progress=check)
    except Interrupted:
        raise
    except Exception:  # a candidate that fails must not stop the marking: that it failed is what shadow mode shows
        log.exception("%s could not mark %d answers in shadow mode", work.version_name, len(answers))
        return dict.fromkeys((int(answer.id) for answer in answers), None)
    return {int(proposal.answer_id): proposal.score for proposal in found}


def _try(marker: Marker, claim: TrialClaim, heart: Pulse) -> None:
    with heart.holding(lambda: trial_heartbeat(claim=claim)) as lease:

        def check(_done: int) -> None:
            if lease.lost.is_set() or heart.stopping.is_set():
                raise Interrupted

        try:
            results = {}
            for name, directory in claim.versions.items():
                engine = marker.ready(directory, name, heart)
                results[name] = _told(engine.mark(claim.question, [claim.answer], on_progress=check)[0])
            trial_write(claim=claim, results=results)
        except Interrupted:
            trial_give_back(claim=claim)
        except AdapterError as error:
            log.error("trial %s: %s", claim.pk, error)
            trial_fail(claim=claim, code="adapter_unreadable")
        except BaseModelError as error:
            log.error("trial %s: the base model could not be loaded: %s", claim.pk, error)
            trial_fail(claim=claim, code="base_unreadable")
        except Exception:  # an odd answer must not stop the marking behind it
            log.exception("trial %s could not be marked", claim.pk)
            trial_fail(claim=claim, code="model_failed")


def _told(proposal: Proposal) -> dict[str, Any]:
    return {
        "score": proposal.score,
        "points": proposal.points,
        "feedback": (proposal.feedback or "").replace("\0", ""),
        "notes": sorted(note.value for note in proposal.notes),
    }
