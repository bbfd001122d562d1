"""What the health page looks for besides services, workers and models: each trouble in one sentence, with one that
says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from grading.gauges import queues
from grading.models import GradingRun, LastTime, TrainingRun, TrainingState
from grading.services.operations import BACKUP, MAIL_FAILED, MAIL_SENT, last_time
from gradingsite import codes, disk
from gradingsite.health import Health

# So long a mail that failed and a training that failed are news.
MAIL_NEWS = timedelta(days=1)
TRAINING_NEWS = timedelta(days=2)


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong, and what to do about it. `code` is for tests and tools."""

    code: str
    what: str
    to_do: str


def all_checks(health: Health) -> Iterator[Trouble]:
    yield from tables(health)
    yield from other_code(health)
    yield from old_queues()
    yield from out_of_reach(health)
    yield from disk_space()
    yield from mail()
    yield from trainings()
    yield from backups()
    from grading.health_platforms import platform_troubles

    yield from platform_troubles()


def tables(health: Health) -> Iterator[Trouble]:
    if not health.database:
        yield Trouble(
            "database",
            _("The database does not answer."),
            _("Start it, or mend DATABASE_URL; nothing can be read or written until then."),
        )
    elif health.missing:
        yield Trouble(
            "migrations",
            ngettext(
                "The database lacks %(number)s change that this program needs (%(first)s).",
                "The database lacks %(number)s changes that this program needs (%(first)s and others).",
                len(health.missing),
            )
            % {"number": len(health.missing), "first": health.missing[0]},
            _("Make a backup and run: python manage.py migrate"),
        )
    elif codes.newer_migrations():
        yield Trouble(
            "newer_tables",
            _("The database was made ready for a newer program than the one that shows this page."),
            _("Finish the upgrade: start the web server and the workers again with the new program."),
        )


def other_code(health: Health) -> Iterator[Trouble]:
    """An upgrade that is half done. Such workers take no work once the tables are of another version."""
    other = [worker.name for worker in health.workers if worker.code and worker.code != codes.code_digest()]
    if other:
        yield Trouble(
            "other_code",
            ngettext(
                "%(number)s worker runs another version of the program than the web server: %(names)s.",
                "%(number)s workers run another version of the program than the web server: %(names)s.",
                len(other),
            )
            % {"number": len(other), "names": ", ".join(other)},
            _("Finish the upgrade: put the same version there and start these workers again."),
        )


def old_queues() -> Iterator[Trouble]:
    limit = settings.ALARM_QUEUE_MINUTES * 60
    names = {
        "marking": _("Answers"),
        "rewrites": _("Feedback to be written again"),
        "pilots": _("Pilots"),
        "training": _("Training runs"),
        "mail": _("E-mails"),
    }
    for queue in queues():
        # A training may wait for the one before it, which takes hours.
        if queue.age > limit * (24 if queue.kind == "training" else 1):
            yield Trouble(
                f"old_{queue.kind}",
                _("%(what)s: %(number)s wait, the oldest for %(minutes)s minutes.")
                % {"what": names[queue.kind], "number": queue.length, "minutes": int(queue.age // 60)},
                _("See below whether a worker for them is listening; if one is, start a second one or wait."),
            )


def out_of_reach(health: Health) -> Iterator[Trouble]:
    """Runs that were begun in a dtype that no worker here can multiply in; until a worker has said what it can, nobody
    knows."""
    reach = {dtype for worker in health.workers for dtype in worker.dtypes.split(",") if dtype}
    for run in GradingRun.objects.out_of_reach(reach) if reach else ():
        yield Trouble(
            "out_of_reach",
            _("The answers of run %(run)s are marked in %(dtype)s, and no worker here can compute in that.")
            % {"run": run.pk, "dtype": run.compute_dtype},
            _(
                "Start a worker on a machine that can, as the one was that began the run, or stop the run and start "
                "another: a run keeps its dtype, so that the same answer keeps the same mark."
            ),
        )


def disk_space() -> Iterator[Trouble]:
    free = disk.free_share()
    if free * 100 < settings.ALARM_DISK_PERCENT:
        yield Trouble(
            "disk",
            _("The disk of %(place)s is nearly full: %(free)s %% (%(size)s GB) are free.")
            % {"place": settings.VAR_DIR, "free": int(free * 100), "size": round(disk.free_gibibytes(), 1)},
            _("Make room before uploads and trainings fail; old model versions are the largest files."),
        )


def mail() -> Iterator[Trouble]:
    failed = LastTime.objects.filter(name=MAIL_FAILED, at__gte=timezone.now() - MAIL_NEWS).first()
    sent = last_time(MAIL_SENT)
    if failed is not None and (sent is None or sent < failed.at):
        yield Trouble(
            "mail",
            _("The mail server %(host)s took no mail at the last try (%(error)s).")
            % {"host": settings.EMAIL_HOST, "error": failed.detail},
            _("Look at the settings EMAIL_…; mails about grades are tried again by themselves."),
        )


def trainings() -> Iterator[Trouble]:
    since = timezone.now() - TRAINING_NEWS
    failed = TrainingRun.objects.filter(state=TrainingState.FAILED, finished_at__gte=since).order_by("-pk")
    keys = list(failed.values_list("pk", flat=True))
    later = TrainingRun.objects.filter(state=TrainingState.SUCCEEDED, pk__gt=keys[0]).exists() if keys else True
    if not later:
        yield Trouble(
            "training_failed",
            ngettext(
                "%(number)s training run failed in the last two days: %(keys)s.",
                "%(number)s training runs failed in the last two days: %(keys)s.",
                len(keys),
            )
            % {"number": len(keys), "keys": ", ".join(map(str, keys))},
            _("Open it on the page “Training”: it says what was wrong; start it again when that is mended."),
        )


def backups() -> Iterator[Trouble]:
    limit = timezone.now() - timedelta(days=settings.ALARM_BACKUP_DAYS)
    last = last_time(BACKUP)
    first = User.objects.order_by("date_joined").values_list("date_joined", flat=True).first()
    if last is None and (first is None or first > limit):
        return  # a site that was only just set up
    if last is None or last < limit:
        what = _("No backup was ever made with this site's own command.")
        if last is not None:
            what = _("The last backup was made %(days)s days ago.") % {"days": (timezone.now() - last).days}
        yield Trouble("backup", what, _("Make one every night: python manage.py backup FILE"))
