"""Worker rows: who is listening, on which device, with which model loaded."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from grading.models import Worker
from gradingsite import codes

FORGET_AFTER = timedelta(days=1)


def worker_seen(
    *,
    name: str,
    kind: str,
    device: str = "",
    base_name: str = "",
    version_name: str = "",
    busy_share: float = 0,
    loading_since: datetime | None = None,
) -> None:
    """Write down that a worker is alive, what it holds or loads, and how busy it was of late."""
    now = timezone.now()
    facts = {
        "device": device[:120],
        "base_name": base_name[:200],
        "version_name": version_name[:120],
        "code": codes.code_digest(),
        "busy_share": busy_share,
        "loading_since": loading_since,
        "seen_at": now,
    }
    if not Worker.objects.filter(name=name).update(**facts):
        Worker.objects.get_or_create(name=name, defaults={"kind": kind, "started_at": now, **facts})


def worker_gone(*, name: str) -> None:
    """Forget a worker that stops in an orderly way."""
    Worker.objects.filter(name=name).delete()


def workers_forget() -> int:
    """Forget workers that were lost long ago; the number forgotten."""
    return Worker.objects.filter(seen_at__lt=timezone.now() - FORGET_AFTER).delete()[0]
