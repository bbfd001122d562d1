# ruff: noqa: INP001, T201 (a script beside pages of documentation, no package)
"""How fast the pages are with 100,000 submissions on PostgreSQL: `python docs/pages.py [--json FILE]`.

PostgreSQL and Redis from Debian's packages and gunicorn as docker-compose.yml runs it, in a directory that is gone
afterwards. Every page of tests/browser/visits.py is asked for by whom it is shown to: first each alone, one request at
a time; then by 20 people at once, each with a pause between two pages as somebody has who reads. Server, database and
those who ask share the machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
TARGET_MS = 150
ALONE = 7  # requests for each page; the first does not count


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--submissions", type=int, default=100_000)
    options.add_argument("--people", type=int, default=20)
    options.add_argument("--pause", type=float, default=2.0, help="seconds between a person's pages")
    options.add_argument("--seconds", type=float, default=90.0)
    options.add_argument("--slow", type=float, metavar="MS", help="also print the queries that take longer")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    from tests.faults.harness import servers

    if reason := servers.missing():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="pages-") as directory:
        place = Path(directory)
        # PostgreSQL's own user has to reach its directory.
        place.chmod(0o755)
        postgres, redis = servers.Postgres(place / "cluster"), servers.Redis(place / "redis")
        postgres.create()
        redis.start()
        port = servers.free_port()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
            "MARGINALIA_VAR": str(place / "var"),
            "DATABASE_URL": postgres.url,
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
            "SAMPLE_PASSWORD": "correct horse battery staple",
            "LOG_LEVEL": "ERROR",
        }
        try:
            _measure(given, port)
        finally:
            redis.stop()
            postgres.stop("immediate")


def _measure(given: argparse.Namespace, port: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    begun = time.monotonic()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    from pages_seed import seed

    rows = seed(given.submissions)
    print(f"{given.submissions} submissions made in {time.monotonic() - begun:.0f} s", flush=True)
    pages = _pages(rows)
    queries = {page: _queries(page, given.slow) for page in pages}
    web = _gunicorn(port)
    try:
        alone = {page: _alone(port, page) for page in pages}
        together = _together(port, pages, given)
    finally:
        web.terminate()
        web.wait()
    found = [_row(page, queries[page], alone[page], together[page]) for page in pages]
    found.sort(key=lambda row: -row["ours"])
    print("page | queries | alone, median ms | p95 ms of all together | requests")
    for row in found:
        print(f"{row['name']} | {row['queries']} | {row['alone']:.0f} | {row['ours']:.0f} | {row['requests']}")
    everything = [value for times in together.values() for value in times]
    print(
        f"{len(everything)} requests of {given.people} people, p95 {_p95(everything):.0f} ms; {_held(found)} pages hold"
    )
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


def _held(found: list[dict[str, Any]]) -> str:
    return f"{sum(row['ratio'] >= row['target'] for row in found)} of {len(found)}"


Page = tuple[str, str, str]  # name, address, session


def _pages(rows: dict[str, Any]) -> list[Page]:
    """Every page with the session of somebody who may see it."""
    from tests.browser.visits import VISITS

    sessions = {email: _session(email) for email in VISITS}
    return [
        (visit.name + visit.query, visit.address(rows), sessions[email])
        for email, visits in VISITS.items()
        for visit in visits
    ]


def _session(email: str) -> str:
    """The key of a session in which this person has logged in; empty for nobody."""
    if not email:
        return ""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.get(email=email), "gradingsite.accounts.EmailBackend")
    return str(client.session.session_key)


def _queries(page: Page, slow: float | None) -> int:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client()
    if page[2]:
        client.cookies[settings.SESSION_COOKIE_NAME] = page[2]
    with CaptureQueriesContext(connection) as seen:
        client.get(page[1], HTTP_HOST="127.0.0.1")
    for query in seen.captured_queries:
        if slow is not None and 1000 * float(query["time"]) > slow:
            print(f"{page[0]}: {1000 * float(query['time']):.0f} ms: {query['sql'][:1500]}", flush=True)
    return len(seen)


def _gunicorn(port: int) -> subprocess.Popen[bytes]:
    from django.urls import reverse

    flags = ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload", "--no-control-socket"]
    command = [sys.executable, "-m", "gunicorn", "gradingsite.wsgi", "--bind", f"127.0.0.1:{port}", *flags]
    web = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            _get(port, ("login", reverse("login"), ""))
        except OSError:
            time.sleep(0.2)
        else:
            return web
    raise SystemExit("gunicorn does not answer")


def _get(port: int, page: Page) -> float:
    """Milliseconds until the whole page is there."""
    from django.conf import settings

    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(
        "GET", page[1], headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={page[2]}"} if page[2] else {}
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    # A link out of an e-mail leads on to the page without its token.
    if answer.status >= 400 or (answer.status == 302 and "login" in answer.headers["Location"]):
        raise SystemExit(f"{page[0]} answered {answer.status}")
    return 1000 * (time.perf_counter() - begun)


def _alone(port: int, page: Page) -> float:
    return statistics.median([_get(port, page) for _ in range(ALONE)][1:])


def _together(port: int, pages: list[Page], given: argparse.Namespace) -> dict[Page, list[float]]:
    found: dict[Page, list[float]] = defaultdict(list)
    end = time.monotonic() + given.seconds

    def person(number: int) -> None:
        chance = random.Random(number)  # noqa: S311 (nothing secret)
        time.sleep(chance.uniform(0, given.pause))
        while time.monotonic() < end:
            page = chance.choice(pages)
            found[page].append(_get(port, page))
            time.sleep(chance.uniform(0.5, 1.5) * given.pause)

    people = [threading.Thread(target=person, args=[number]) for number in range(given.people)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    return found


def _row(page: Page, queries: int, alone: float, times: list[float]) -> dict[str, Any]:
    p95 = _p95(times) if times else alone
    return {
        "name": page[0],
        "unit": "ms",
        "ours": round(p95, 1),
        "peer": TARGET_MS,
        "peer_name": "p95 of every page",
        "ratio": round(TARGET_MS / p95, 3),
        "target": 1.0,
        "queries": queries,
        "alone": round(alone, 1),
        "requests": len(times),
    }


def _p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, round(0.95 * len(times)))]


if __name__ == "__main__":
    main()
