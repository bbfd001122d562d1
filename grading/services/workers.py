"""Worker rows: who is listening, where, on which device, with which model loaded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from grading.models import Worker, WorkerKind
from gradingsite import codes
from mlcore.machine import machine_name

FORGET_AFTER = timedelta(days=1)
# What a worker says of itself, and the longest that its row takes of it.
TOLD = {"device": 120, "base_name": 200, "version_name": 120, "compute_dtype": 10, "dtypes": 60, "dtype_timing": 120}


def worker_seen(
    *, name: str, kind: str, busy_share: float = 0, loading_since: datetime | None = None, **told: str
) -> None:
    """Write down that a worker is alive, how busy it was of late, whether it loads the model, and what it told of
    itself (see `TOLD`)."""
    now = timezone.now()
    facts: dict[str, Any] = {column: told.get(column, "")[:longest] for column, longest in TOLD.items()}
    facts |= {"machine": machine_name()[:80], "code": codes.code_digest(), "busy_share": busy_share}
    facts |= {"loading_since": loading_since, "seen_at": now}
    if not Worker.objects.filter(name=name).update(**facts):
        Worker.objects.get_or_create(name=name, defaults={"kind": kind, "started_at": now, **facts})


def worker_gone(*, name: str) -> None:
    """Forget a worker that stops in an orderly way."""
    Worker.objects.filter(name=name).delete()


def marking_beside() -> bool:
    """Whether a marking worker is listening on this machine."""
    since = timezone.now() - timedelta(seconds=settings.WORKER_SEEN_SECONDS)
    return Worker.objects.listening(since).filter(kind=WorkerKind.MARKING, machine=machine_name()[:80]).exists()


def workers_forget() -> int:
    """Forget workers that were lost long ago; the number forgotten."""
    return Worker.objects.filter(seen_at__lt=timezone.now() - FORGET_AFTER).delete()[0]
