"""The course that the load goes on in: people who can log in, questions, a model version, rows to train on."""

from __future__ import annotations

import json
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from courses.models import Membership, Role
from grading.models import TrainingSet
from grading.services import training_set_upload
from tests.grading.factories import make_assignment, make_course, make_user, make_version

STUDENTS = 10
ASSIGNMENTS = 3


def make_models(directory: Path) -> tuple[Path, Path]:
    """A tiny LLaMA with random weights, and an adapter for it."""
    from tests.mlcore.conftest import _write_tokenizer, _write_weights, make_tiny_adapter

    base = directory / "tiny-llama"
    size = _write_tokenizer(base)
    _write_weights(base, size)
    facts = {"name": "tiny-llama", "revision": "random-weights-seed-0", "licence": "none", "source": "tests"}
    (base / "base.json").write_text(json.dumps(facts))
    return base, make_tiny_adapter(base, directory / "adapter", seed=0)


def fill(adapter: Path, password: str) -> list[str]:
    """Write the scene; the students' names to log in with."""
    kept = make_password(password)
    teacher = make_user("teacher", password=kept)
    admin = make_user("admin", password=kept, is_staff=True, is_superuser=True)
    course = make_course(teacher)
    for _ in range(ASSIGNMENTS):
        make_assignment(course, criteria=(2, 2))
    students = [make_user(f"student{number}", password=kept) for number in range(STUDENTS)]
    Membership.objects.bulk_create([Membership(course=course, user=user, role=Role.STUDENT) for user in students])
    make_version(directory=adapter, name="in use")
    _rows(admin)
    return [student.username for student in students]


def _rows(admin: User) -> TrainingSet:
    rows = [
        {
            "id": str(number),
            "question_id": f"q{number % 5}",
            "question": f"Why does bulb {number % 5} go out?",
            "reference_answer": "The gap opens the circuit.",
            "answer": f"Because of gap {number}." if number % 2 else f"I do not know {number}.",
            "score": number % 2,
            "feedback": "Right." if number % 2 else "Think of the gap.",
        }
        for number in range(40)
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    return training_set_upload(by=admin, name="Bulbs", licence="made up", data=data)
