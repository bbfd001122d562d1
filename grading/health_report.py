"""The site's health in words: what is there, what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from grading import health_checks as checks
from grading.health_checks import Trouble
from grading.models import GradingJob, ModelVersion, TrainingRun, Worker, WorkerKind
from grading.services.operations import BACKUP, last_time
from grading.services.versions import version_directory
from gradingsite import disk
from gradingsite.health import Health, gather
from mlcore.base import BaseInfo, BaseModelError, describe_base

BACKLOG = 50  # messages in one queue: far more than wake-ups that are being read


@dataclass(frozen=True)
class Report:
    health: Health
    version: ModelVersion | None
    base: BaseInfo | None
    base_directory: Path
    database: str
    broker: str
    answers_waiting: int
    trainings_waiting: int
    troubles: tuple[Trouble, ...]
    last_backup: datetime | None = None

    @property
    def free_percent(self) -> int:
        return int(disk.free_share() * 100)

    @property
    def messages_waiting(self) -> int:
        return sum(self.health.queues.values())


def report() -> Report:
    health = gather()
    base, reason = _base()
    if not health.database or health.missing:
        # Whatever else is asked would fail on tables that are not there, or not yet as this code needs them.
        return _report(health, base, [*checks.tables(health), *_services(health), *checks.disk_space()])
    version = ModelVersion.objects.in_use()
    troubles = [
        *_services(health),
        *_workers(health.workers, version),
        *_models(version, base, reason),
        *checks.all_checks(health),
    ]
    return replace(
        _report(health, base, troubles),
        version=version,
        answers_waiting=GradingJob.objects.filter(state="queued").count(),
        trainings_waiting=TrainingRun.objects.filter(state="queued").count(),
        last_backup=last_time(BACKUP),
    )


def _report(health: Health, base: BaseInfo | None, troubles: Iterable[Trouble]) -> Report:
    return Report(
        health=health,
        version=None,
        base=base,
        base_directory=settings.MARGINALIA_BASE_DIR,
        database=_database(),
        broker=plain_address(settings.CELERY_BROKER_URL),
        answers_waiting=0,
        trainings_waiting=0,
        troubles=tuple(troubles),
    )


def plain_address(url: str) -> str:
    """Where a service is, without the password that its address may hold."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{where}{port}{parts.path}"


def _database() -> str:
    entry = settings.DATABASES["default"]
    kind = str(entry["ENGINE"]).rpartition(".")[2]
    name = {"sqlite3": "SQLite", "postgresql": "PostgreSQL"}.get(kind, kind)
    return " · ".join(str(part) for part in (name, entry.get("HOST"), entry["NAME"]) if part)


def _base() -> tuple[BaseInfo | None, str]:
    try:
        return describe_base(Path(settings.MARGINALIA_BASE_DIR)), ""
    except (BaseModelError, OSError) as error:
        return None, str(error)


def _services(health: Health) -> Iterator[Trouble]:
    if not health.broker:
        yield Trouble(
            "broker",
            _("The broker does not answer at %s.") % plain_address(settings.CELERY_BROKER_URL),
            _(
                "Start it, or mend REDIS_URL. Pages go on working and nothing is lost: what waits is in the "
                "database, and workers take it up when the broker is back."
            ),
        )
    for queue, number in health.queues.items():
        if number > BACKLOG:
            yield Trouble(
                f"queue_{queue}",
                _("%(number)s messages wait in the queue “%(queue)s”, and nobody seems to read them.")
                % {"number": number, "queue": queue},
                _("Start a worker for this queue: celery --app gradingsite worker --queues %s") % queue,
            )


def _workers(workers: tuple[Worker, ...], version: ModelVersion | None) -> Iterator[Trouble]:
    seen = {worker.kind for worker in workers}
    if WorkerKind.MARKING not in seen:
        yield Trouble(
            "no_marking_worker",
            _("No worker for marking is listening. Answers wait until there is one."),
            _("Start one: celery --app gradingsite worker --queues marking --pool prefork --concurrency 1"),
        )
    if WorkerKind.TRAINING not in seen:
        yield Trouble(
            "no_training_worker",
            _("No worker for training is listening. Training runs wait until there is one."),
            _("Start one: celery --app gradingsite worker --queues training --pool prefork --concurrency 1"),
        )
    if WorkerKind.DEFAULT not in seen:
        yield Trouble(
            "no_default_worker",
            _("No worker for mail and other short work is listening. Mails wait until there is one."),
            _("Start one: celery --app gradingsite worker --queues default --pool threads --concurrency 2"),
        )
    for worker in workers:
        if version and worker.base_name and worker.base_name != version.base_name:
            yield Trouble(
                "other_base",
                _("%(worker)s has the base model %(loaded)s loaded, but the version in use was made on %(needed)s.")
                % {"worker": worker.name, "loaded": worker.base_name, "needed": version.base_name},
                _(
                    "Set MARGINALIA_BASE_DIR of this worker to that base model and start it again, or put a "
                    "version in use that was made on the one it has."
                ),
            )


def _models(version: ModelVersion | None, base: BaseInfo | None, reason: str) -> Iterator[Trouble]:
    if version is None:
        yield Trouble(
            "no_version",
            _("No model version is in use, so nothing can be marked."),
            _(
                "Put one in use on the page “Models”. The one that comes with the program is registered by: "
                "python manage.py register_starter"
            ),
        )
    elif not (version_directory(version) / "manifest.json").is_file():
        yield Trouble(
            "version_files",
            _("The files of “%(name)s” are not at %(place)s.")
            % {"name": version.name, "place": version_directory(version)},
            _("Bring them back from a backup, mend MARGINALIA_VERSIONS_DIR, or roll back to another version."),
        )
    if base is None:
        yield Trouble(
            "base",
            _("The base model cannot be read here: %s") % reason,
            _(
                "Prepare the bundled one with “python -m mlcore prepare”, or set MARGINALIA_BASE_DIR to a "
                "LLaMA-family checkpoint. Where only the workers' machine holds it, nothing is wrong."
            ),
        )
    elif version and (base.name, base.revision) != (version.base_name, version.base_revision):
        yield Trouble(
            "base_differs",
            _(
                "The version in use was made on %(needed)s (%(needed_revision)s), but %(found)s "
                "(%(found_revision)s) lies in the directory of the base model."
            )
            % {
                "needed": version.base_name,
                "needed_revision": version.base_revision[:15],
                "found": base.name,
                "found_revision": base.revision[:15],
            },
            _("Set MARGINALIA_BASE_DIR to that base model, or train a version on this one and put it in use."),
        )
