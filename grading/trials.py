"""What a page shows of a typed answer that versions were tried with."""

from __future__ import annotations

from typing import Any

from grading.exceptions import message_for
from grading.models import Trial, TrialState


def shown_trial(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial,
        "waiting": trial.state in (TrialState.QUEUED, TrialState.RUNNING),
        "problem": message_for(trial.error_code) if trial.state == TrialState.FAILED else "",
    }
