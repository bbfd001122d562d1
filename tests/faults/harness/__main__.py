"""`python -m tests.faults.harness --faults 200 --seed 1`: faults by chance on a whole site under load."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.harness import servers
from tests.faults.harness.environment import environment
from tests.faults.harness.processes import Processes
from tests.faults.harness.proxy import Proxy

if TYPE_CHECKING:
    from tests.faults.harness.checker import Checker
    from tests.faults.harness.faults import Faults
    from tests.faults.harness.load import Load

STARTS_IN = 120  # seconds from the start of the processes to the first answer that was accepted
RECOVERS_IN = 120  # seconds after the last fault, by which nothing may be stranded


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=1.0, help="seconds between two faults, at most")
    parser.add_argument("--warm-up", type=float, default=25.0, help="seconds of load before the first")
    parser.add_argument("--lease", type=int, default=60, help="LEASE_SECONDS of the site; 60 is its default")
    parser.add_argument("--kinds", default="", help="only these, parted by commas")
    parser.add_argument("--keep", action="store_true", help="leave the directory there")
    wanted = parser.parse_args()
    if lacking := servers.missing():
        say(f"The faults cannot be tried here: {lacking}.")
        return 3
    directory = Path(tempfile.mkdtemp(prefix="marginalia-faults-"))
    directory.chmod(0o755)
    try:
        return run(directory, wanted)
    finally:
        if not wanted.keep:
            shutil.rmtree(directory, ignore_errors=True)


def run(directory: Path, wanted: argparse.Namespace) -> int:
    """Start all, let it go wrong, wait until it is well, compare."""
    begun = time.monotonic()
    postgres, redis = servers.Postgres(directory / "postgres"), servers.Redis(directory / "redis")
    var = directory / "var"
    with contextlib.ExitStack() as at_the_end:
        postgres.create()
        at_the_end.callback(postgres.stop, "immediate")
        redis.start()
        at_the_end.callback(redis.stop, kill=True)
        small = servers.mount_small(var / "media", 24)
        if small is not None:
            at_the_end.callback(subprocess.run, ["umount", "--lazy", str(small)], check=False)
        (var / "static").mkdir(parents=True)
        proxy = Proxy(redis.port)
        lease = {"LEASE_SECONDS": str(wanted.lease), "HEARTBEAT_SECONDS": str(max(1, min(5, wanted.lease // 4)))}
        site = Processes(environment(var, postgres.url, f"redis://127.0.0.1:{proxy.port}/0", **lease), var)
        os.environ.update(site.environment)
        import django

        django.setup()
        at_the_end.callback(site.stop_all)
        checker, faults, load, recovered = play(wanted, site, postgres, redis, proxy, small)
        return tell(wanted, checker, faults, load, recovered, time.monotonic() - begun)


def play(
    wanted: argparse.Namespace,
    site: Processes,
    postgres: servers.Postgres,
    redis: servers.Redis,
    proxy: Proxy,
    small: Path | None,
) -> tuple[Checker, Faults, Load, float]:
    from django.core.management import call_command

    from tests.faults.harness import scene
    from tests.faults.harness.checker import Checker
    from tests.faults.harness.faults import Faults
    from tests.faults.harness.load import Load
    from tests.faults.harness.model import Model

    call_command("migrate", interactive=False, verbosity=0)
    password = secrets.token_urlsafe(12)
    _, adapter = scene.make_models(site.directory / "models")
    students = scene.fill(adapter, password)
    port = servers.free_port()
    site.add_site(port)
    site.start_all()
    load = Load(f"http://127.0.0.1:{port}", password, Model(), wanted.seed)
    load.begin(students, training_every=45)
    until_something_was_accepted(load)
    time.sleep(wanted.warm_up)
    faults = Faults(postgres, redis, proxy, site, random.Random(wanted.seed), small)
    strike(wanted, faults)
    load.stop.set()
    for thread in faults.hangs:
        thread.join()
    recovered = recovery(RECOVERS_IN * 3)
    mark_the_rest(load, RECOVERS_IN * 2)
    load.join()
    checker = Checker(load.model, versions_before=1)
    checker.check()
    return checker, faults, load, recovered


def until_something_was_accepted(load: Load) -> None:
    """A busy machine takes its time to start the site; faults before the first answers would meet nothing."""
    end = time.monotonic() + STARTS_IN
    while not load.model.uploads and time.monotonic() < end:
        time.sleep(0.5)


def strike(wanted: argparse.Namespace, faults: Faults) -> None:
    """Faults until so many have taken place; one that found nothing to break is tried again later."""
    kinds = wanted.kinds.split(",") if wanted.kinds else []
    while (left := wanted.faults - faults.done.total()) > 0:
        for name in kinds[:left] or faults.order(left):
            begun = time.monotonic()
            try:
                faults.happen(name)
            except Exception as error:  # noqa: BLE001 - one fault on top of another, such as a flush of a Redis that loads
                say(f"      {name} could not be done: {type(error).__name__}: {error}")
            took = time.monotonic() - begun
            say(f"{faults.done.total():4d}  {name} ({took:.1f} s)")
            time.sleep(faults.chance.uniform(0.2, wanted.gap))


def recovery(seconds: float) -> float:
    """Seconds until nothing is queued or at work any more; infinity where that does not come."""
    from grading.models import GradingJob, TrainingRun
    from tests.faults.harness.asking import asking

    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if not asking(lambda: GradingJob.objects.active().exists() or TrainingRun.objects.active().exists()):
            return time.monotonic() - begun
        time.sleep(0.5)
    return float("inf")


def mark_the_rest(load: Load, seconds: float) -> None:
    """A site that is well marks everything that is left to mark: asked for at its pages like any other run."""
    from tests.faults.harness.browser import Browser
    from tests.faults.harness.load import current_ungraded

    teacher = Browser(load.base, "teacher@example.org", load.password, load.model)
    teacher.log_in()
    for assignment in load.assignments:
        teacher.post(f"/grading/assignments/{assignment}/runs/new/", {"scope": "ungraded"})
    recovery(seconds)
    if left := current_ungraded():
        load.errors.append(f"{left} answers could not be marked after all was well again")


def tell(
    wanted: argparse.Namespace, checker: Checker, faults: Faults, load: Load, recovered: float, seconds: float
) -> int:
    from courses.models import Submission
    from grading.models import Grade, GradeEvent, GradingJob, TrainingRun
    from tests.faults.harness.checker import rowless_files

    model = load.model
    say("")
    for name, count in sorted(faults.done.items()):
        say(f"{count:4d} × {name}")
    jobs = Counter(GradingJob.objects.values_list("state", "error_code"))
    trainings = Counter(TrainingRun.objects.values_list("state", flat=True))
    say(f"requests: {dict(model.requests)}; processes started again: {faults.site.restarts}")
    say(
        f"answers accepted {len(model.uploads)}, without an answer to the sender {len(model.unsure)}, "
        f"in the database {Submission.objects.count()}; files without a row {rowless_files()}"
    )
    say(f"jobs {sum(jobs.values())}: " + ", ".join(f"{s} {c} {n}".replace("  ", " ") for (s, c), n in jobs.items()))
    say(
        f"grades {Grade.objects.count()}, approved or saved by a teacher {len(model.approvals)}, "
        f"released {Grade.objects.filter(state='released').count()}, lines of history {GradeEvent.objects.count()}"
    )
    say(f"trainings {dict(trainings)}; pages of students looked through {len(model.seen)} with something on them")
    for kind in ("lost", "doubled", "leaked"):
        for finding in getattr(checker, kind)[:20]:
            say(f"{kind}: {finding}")
    for error in load.errors:
        say(f"error: {error}")
    slow = recovered > RECOVERS_IN
    say(f"all work had ended {recovered:.0f} s after the last fault; {seconds:.0f} s in all, seed {wanted.seed}")
    counts = (len(checker.lost), len(checker.doubled), len(checker.leaked))
    say(f"{faults.done.total()} faults, {counts[0]} lost, {counts[1]} doubled, {counts[2]} leaked")
    return 1 if any(counts) or slow or load.errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
