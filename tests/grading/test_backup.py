"""A backup restored into an empty system is the same system: every row, every file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.forms.models import model_to_dict

from grading.models import GradeEvent, TrainingExample
from grading.services.backups import backup_restore, folders, models_kept
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission, make_version

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def places(settings: Any, tmp_path: Path) -> Path:
    point_at(settings, tmp_path / "old")
    return tmp_path


def point_at(settings: Any, root: Path) -> None:
    settings.MEDIA_ROOT = root / "media"
    settings.MARGINALIA_VERSIONS_DIR = root / "versions"
    settings.MARGINALIA_TRAINING_DIR = root / "training"


@pytest.fixture
def system(places: Path) -> None:
    """A site in use: a marked upload with its history, a version with files, an example, rights."""
    submission = make_submission(make_assignment(criteria=(2, 2)), text="Zwölf Ω \U0001f600 \n\t\u2028 lines")
    submission.original.save("a.txt", ContentFile(bytes(range(256))))
    grade = make_grade(submission, state="released", points=1)
    GradeEvent.objects.create(grade=grade, action="released", before={"points": 1.5}, after={"nested": [None, "ä"]})
    TrainingExample.objects.create(source="released", state="accepted", grade=grade, question_key="q", row={"a": 0.1})
    make_run(submission.assignment, [submission], version=make_version(directory="one"))
    for name, body in (("versions/one/scorer.bin", b"\0weights"), ("training/1/train.jsonl", b"{}\n")):
        path = places / "old" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
    User.objects.get(pk=submission.student_id).user_permissions.set(Permission.objects.all()[:3])


def every_row() -> dict[str, list[dict[str, Any]]]:
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models_kept()}


def every_right() -> list[dict[str, Any]]:
    return [model_to_dict(user, fields=["user_permissions", "groups"]) for user in User.objects.order_by("pk")]


def every_file() -> dict[str, bytes]:
    return {
        f"{name}/{path.relative_to(root)}": path.read_bytes()
        for name, root in folders().items()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("system")
def test_a_restored_system_has_every_row_and_every_file(settings: Any, places: Path) -> None:
    rows, rights, files = every_row(), every_right(), every_file()
    assert len(files) == 3
    assert len(rows["grading.Grade"]) == 1
    call_command("backup", str(places / "b.zip"))
    call_command("flush", interactive=False)
    point_at(settings, places / "new")
    assert every_file() == {}
    call_command("restore", str(places / "b.zip"))
    assert every_row() == rows
    assert every_right() == rights
    assert every_file() == files
    # New rows get ids of their own.
    assert make_submission().pk > max(row["id"] for row in rows["courses.Submission"])


@pytest.mark.usefixtures("system")
def test_the_secret_key_and_sessions_are_not_in_it_and_nobody_else_may_read_it(
    settings: Any, places: Path, client: Any
) -> None:
    client.force_login(User.objects.all()[0], backend="gradingsite.accounts.EmailBackend")
    call_command("backup", str(places / "b.zip"))
    assert (places / "b.zip").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(places / "b.zip") as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert settings.SECRET_KEY.encode() not in everything
    assert client.session.session_key.encode() not in everything


@pytest.mark.usefixtures("system")
def test_a_system_in_use_is_never_restored_over(settings: Any, places: Path) -> None:
    call_command("backup", str(places / "b.zip"))
    rows = every_row()
    with pytest.raises(CommandError, match="not empty"):
        call_command("restore", str(places / "b.zip"))
    assert every_row() == rows
    call_command("flush", interactive=False)
    with pytest.raises(CommandError, match="there is the file"):
        call_command("restore", str(places / "b.zip"))
    assert not User.objects.exists()


@pytest.mark.usefixtures("system")
def test_a_backup_is_never_written_over_another(places: Path) -> None:
    (places / "b.zip").write_bytes(b"the last one")
    with pytest.raises(CommandError, match="there already"):
        call_command("backup", str(places / "b.zip"))
    assert (places / "b.zip").read_bytes() == b"the last one"


def rewritten(source: Path, to: Path, change: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
        for name in change.keys() - set(old.namelist()):
            new.writestr(name, change[name])
    return to


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rows.jsonl": b""}, "damaged"),
        ({"files/versions/one/scorer.bin": b"other weights"}, "damaged"),
        ({"files/versions/../../evil": b"x"}, "not those"),
        ({"manifest.json": b"[]"}, "no manifest"),
    ],
)
def test_a_damaged_backup_is_refused_and_nothing_is_written(
    settings: Any, places: Path, change: dict[str, bytes], words: str
) -> None:
    call_command("backup", str(places / "b.zip"))
    bad = rewritten(places / "b.zip", places / "bad.zip", change)
    call_command("flush", interactive=False)
    point_at(settings, places / "new")
    with pytest.raises(CommandError, match=words):
        call_command("restore", str(bad))
    assert not User.objects.exists()
    assert every_file() == {}


@pytest.mark.usefixtures("system")
def test_a_restore_that_fails_half_way_leaves_an_empty_system(
    settings: Any, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("backup", str(places / "b.zip"))
    call_command("flush", interactive=False)
    point_at(settings, places / "new")
    (places / "new").mkdir()
    (places / "new" / "versions").write_bytes(b"a file where a directory must be")
    with pytest.raises(CommandError):
        call_command("restore", str(places / "b.zip"))
    assert not User.objects.exists()
    assert every_file() == {}
    (places / "new" / "versions").unlink()
    assert backup_restore(source=places / "b.zip").rows["grading.Grade"] == 1
