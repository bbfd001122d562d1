"""The whole system under one supervisor, as `make run` starts it, in a place of its own; and Chromium to look at it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
BASE_MODEL = ROOT / "var" / "models" / "smollm2-135m-instruct"
PASSWORD = "correct horse battery staple"
# What the test settings put into the environment is not for the system under test.
TEST_ONLY = ("DJANGO_SETTINGS_MODULE", "MARGINALIA_VAR", "STATIC_MANIFEST", "DATABASE_URL", "REDIS_URL", "SITE_URL")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Site:
    address: str
    var: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict, repr=False)

    def shell(self, code: str) -> str:
        """What `code` prints in a management shell of this site: rows for a test, made without the model."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:  # noqa: S310
            return dict(json.load(answer))


@contextlib.contextmanager
def running_site(var: Path) -> Iterator[Site]:
    """The site with its workers, the sample course and the bundled model; stopped as Ctrl-C stops it."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in TEST_ONLY}
    environment |= {
        "MARGINALIA_VAR": str(var),
        "MARGINALIA_BASE_DIR": str(BASE_MODEL),
        "PORT": str(port),
        "SAMPLE_PASSWORD": PASSWORD,
        # A test that trains for a while is one sitting.
        "REAUTHENTICATION_MINUTES": "240",
        "DJANGO_SETTINGS_MODULE": "gradingsite.settings",
        "MARGINALIA_COMPUTE_DTYPE": "float32",
    }
    site = Site(f"http://127.0.0.1:{port}", var, var / "site.log", environment)
    with site.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gradingsite.supervisor"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            until(lambda: listening(site, process), 240, "both workers are listening")
            yield site
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not executable:
        raise RuntimeError("Chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)


def log_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_load_state()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`, asked again every half second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def listening(site: Site, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(site.log.read_text(encoding="utf-8", errors="replace"))
    return bool(site.health()["workers"] >= 2)
