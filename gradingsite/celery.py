"""The Celery application. Tasks are found in each app's tasks.py; what it is told is in settings (CELERY_*)."""

import logging.config
import os
import time
from typing import Any

from celery import Celery, Task
from celery.signals import beat_init, before_task_publish, setup_logging, task_postrun, task_prerun, worker_init

from gradingsite import logs, tallies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradingsite.settings")

REQUEST_HEADER = "marginalia_request"

app = Celery("gradingsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_like_the_site(**_: Any) -> None:
    """One format for every process; being connected keeps Celery from setting up its own."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@worker_init.connect
@beat_init.connect
def bear_with_a_slow_broker(**_: Any) -> None:
    from django.conf import settings

    app.conf.broker_transport_options = settings.PATIENT_BROKER_OPTIONS


@before_task_publish.connect
def name_the_request(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """A message takes along which request it comes from, so that a worker's lines can be found by it."""
    request = logs.current("request_id")
    if headers is not None and request:
        headers[REQUEST_HEADER] = request


@task_prerun.connect
def log_about_task(task_id: str, task: Task, **_: Any) -> None:
    task.request.begun = time.monotonic()
    task.request.log_token = logs.begin(task=task_id, request_id=task.request.get(REQUEST_HEADER))


@task_postrun.connect
def log_about_nothing(task: Task, **_: Any) -> None:
    token = task.request.get("log_token")
    if token is not None:
        logs.end(token)
        tallies.observe("task_seconds", time.monotonic() - task.request.begun, task=task.name)
