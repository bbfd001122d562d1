"""What the site knows of its own health: for probes as JSON at /healthz, for admins as facts on a page.

Nothing here waits long: the broker is asked over a socket of its own with a short time limit, and workers are counted
from the rows that they keep fresh, not by a broadcast.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from grading.models import ModelVersion, Worker
from gradingsite import codes

log = logging.getLogger(__name__)
BROKER_SECONDS = 1.5


@dataclass(frozen=True)
class Health:
    """`queues` holds waiting messages by queue; `workers` were heard of lately; `model` is the version in use."""

    database: bool
    broker: bool
    queues: Mapping[str, int] = field(default_factory=dict)
    workers: tuple[Worker, ...] = ()
    model: str | None = None
    missing: tuple[str, ...] = ()  # migrations that this code has and the database has not

    @property
    def ok(self) -> bool:
        return self.database and self.broker

    @property
    def ready(self) -> bool:
        """Whether this process can be given visitors."""
        return self.ok and not self.missing


def gather() -> Health:
    queues = queue_lengths()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        missing = tuple(f"{app}.{name}" for app, name in codes.missing_migrations())
        # Their tables may lack a column that this code asks for.
        workers, model = ((), None) if missing else (_workers_listening(), _model_in_use())
    except DatabaseError:
        log.exception("The database does not answer.")
        return Health(database=False, broker=queues is not None, queues=queues or {})
    return Health(
        database=True, broker=queues is not None, queues=queues or {}, workers=workers, model=model, missing=missing
    )


def database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _workers_listening() -> tuple[Worker, ...]:
    since = timezone.now() - timedelta(seconds=settings.WORKER_SEEN_SECONDS)
    return tuple(Worker.objects.listening(since).order_by("kind", "name"))


def _model_in_use() -> str | None:
    return ModelVersion.objects.filter(state="promoted").values_list("name", flat=True).first()


def queue_lengths() -> dict[str, int] | None:
    """Messages that wait in each queue, or None while the broker does not answer."""
    client = broker_client()
    try:
        return {queue: client.llen(queue) for queue in settings.QUEUES}
    except (redis.RedisError, OSError) as error:
        log.warning("The broker does not answer: %s", error)
        return None
    finally:
        client.close()


def broker_client() -> redis.Redis:
    """A connection apart from Celery's, which would go on trying for longer than a probe waits."""
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(
        url, socket_connect_timeout=BROKER_SECONDS, socket_timeout=BROKER_SECONDS, retry=None, health_check_interval=0
    )


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers. It asks nobody else: a database that is away is no reason to start a web
    process again."""
    return JsonResponse({"status": "ok", "code": codes.code_digest()})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when this process may be given visitors: database and broker answer, and every migration is applied."""
    health = gather()
    facts = {
        "status": "ok" if health.ready else "not ready",
        "database": "ok" if health.database else "down",
        "broker": "ok" if health.broker else "down",
        "migrations": ("missing" if health.missing else "ok") if health.database else "unknown",
    }
    return JsonResponse(facts, status=200 if health.ready else 503)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while pages and marking can work, 503 when the database or the broker is away."""
    health = gather()
    words = {True: "ok", False: "down"}
    facts: dict[str, Any] = {
        "status": words[health.ok],
        "database": words[health.database],
        "broker": words[health.broker],
        "workers": len(health.workers),
        "model": health.model,
    }
    return JsonResponse(facts, status=200 if health.ok else 503)
