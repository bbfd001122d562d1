"""What must be there before the first page: `python -m gradingsite.preparation`. A step that is done does nothing.

A process of its own, so that the supervisor holds no database connection and forks from a small, quiet process.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command

from gradingsite import env


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gradingsite.settings")
    django.setup()
    prepare_base_model()
    call_command("migrate", interactive=False, verbosity=0)
    collect_static_files()
    register_starter()
    load_sample_course()


def prepare_base_model() -> None:
    """Only the bundled model can be made here; a directory that somebody named has to be there already."""
    target = Path(settings.MARGINALIA_BASE_DIR)
    if target.exists():
        return
    if env.text("MARGINALIA_BASE_DIR"):
        raise SystemExit(f"MARGINALIA_BASE_DIR names {target}, and there is no such directory.")
    say(f"Preparing the bundled base model in {target} …")
    if subprocess.run([sys.executable, "-m", "mlcore", "prepare", "--to", str(target)], check=False).returncode:
        raise SystemExit("The bundled base model could not be prepared.")


def collect_static_files() -> None:
    """Naming files by their content and compressing them takes seconds, so it is done when one has changed."""
    if env.text("STATIC_ROOT"):
        return  # a directory that was named was filled when the image was made
    stamp, state = Path(settings.VAR_DIR) / "static.stamp", static_state()
    if not settings.STATIC_MANIFEST or (stamp.exists() and stamp.read_text(encoding="ascii") == state):
        return
    say("Collecting static files …")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(state, encoding="ascii")


def static_state() -> str:
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256(str(settings.STATIC_ROOT).encode())
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            facts = Path(storage.path(name)).stat()
            digest.update(f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def register_starter() -> None:
    from grading.models import ModelVersion

    if not ModelVersion.objects.exists():
        call_command("register_starter")


def load_sample_course() -> None:
    """On the very first start, and never into a database that was given: its accounts share one password."""
    from django.contrib.auth.models import User

    if env.flag("SAMPLE_COURSE", default=not settings.DATABASE_URL) and not User.objects.exists():
        say("Loading the sample course …")
        call_command("load_sample_course")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
