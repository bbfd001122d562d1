"""Training sets: files of marked answers that an admin uploads to train on, without making courses of them."""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from grading.examples import described
from grading.exceptions import TrainingSetInUse, TrainingSetRefused
from grading.mapping import content_hash
from grading.models import ExampleSource, ExampleState, TrainingExample, TrainingRun, TrainingSet
from grading.models.training import ACTIVE_TRAINING_STATES
from grading.services.example_files import rows_of_archive
from mlcore.rows import RowError, faults, read_examples, write_rows

MOST_FAULTS = 50


def training_set_upload(*, by: User, name: str, licence: str, data: bytes) -> TrainingSet:
    """Keep a JSONL file of marked answers as accepted examples. All of it is taken or none of it.

    Raises:
        TrainingSetRefused: the name is taken, or a line cannot be read; the message names the line, and where several
            are wrong `details["lines"]` has a sentence for each, at most `MOST_FAULTS`.
    """
    rows = _rows(_lines_of(data))
    try:
        with transaction.atomic():
            row = TrainingSet.objects.create(name=name.strip(), uploaded_by=by, licence=licence.strip())
            examples = [_example(row, body) for body in rows]
            TrainingExample.objects.bulk_create(examples, batch_size=500)
    except IntegrityError as error:
        raise TrainingSetRefused(reason=_("There is a set named “%s” already.") % name) from error
    return row


def training_set_delete(*, training_set: TrainingSet, by: User) -> None:
    """Delete a set with its answers. What runs were trained on it stays known by the hashes that they froze.

    Raises:
        TrainingSetInUse: a run that has not ended uses it.
    """
    with transaction.atomic():
        # A run that is being started freezes its examples in one transaction: it sees all of them or none.
        row = TrainingSet.objects.select_for_update().get(pk=training_set.pk)
        if TrainingRun.objects.filter(
            state__in=ACTIVE_TRAINING_STATES, run_examples__example__training_set=row
        ).exists():
            raise TrainingSetInUse(name=row.name)
        row.delete()


def _lines_of(data: bytes) -> bytes:
    """JSON lines as they are, or those of an archive in the layout of `datasets`.

    Raises:
        TrainingSetRefused: it is an archive of something else.
    """
    if not data.startswith(b"PK\x03\x04"):
        return data
    try:
        return rows_of_archive(data, settings.MAX_UPLOAD_BYTES)
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise TrainingSetRefused(reason=str(error)) from error


def _rows(data: bytes) -> list[dict[str, Any]]:
    """The file's rows as mlcore reads them, written out in full."""
    with tempfile.TemporaryDirectory(prefix="training-set-") as directory:
        path = Path(directory) / "rows.jsonl"
        path.write_bytes(data)
        try:
            examples = read_examples(path)
        except RowError as error:
            raise _refused(error, path) from error
        examples = [example for example in examples if example.marked.answer.text.strip()]
        if not examples:
            raise TrainingSetRefused(reason=_("there is no marked answer in it"))
        write_rows(path, examples)
        lines = path.read_text(encoding="utf-8").split("\n")
    return [_without_nulls(json.loads(line)) for line in lines if line]


def _refused(error: RowError, path: Path) -> TrainingSetRefused:
    """The first fault in a sentence; where there are more, how many, with a line for each."""
    try:
        lines = faults(path, MOST_FAULTS + 1)
    except RowError:
        lines = []
    if len(lines) < 2:
        return TrainingSetRefused(reason=_without_path(str(error), path))
    if len(lines) > MOST_FAULTS:
        reason = _("more than %(number)s lines are wrong; the first of them are named below.")
    else:
        reason = _("%(number)s lines are wrong; they are named below.")
    shown = lines[:MOST_FAULTS]
    return TrainingSetRefused(reason=reason % {"number": len(shown)}, lines=shown)


def _without_path(message: str, path: Path) -> str:
    """The reader's words without the name of our own temporary file."""
    return message.replace(f"{path}, ", "").replace(f"{path}: ", "").replace(str(path), _("the file"))


def _without_nulls(value: Any) -> Any:
    """PostgreSQL stores no null character in JSON."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {key: _without_nulls(entry) for key, entry in value.items()}
    return [_without_nulls(entry) for entry in value] if isinstance(value, list) else value


def _example(owner: TrainingSet, body: dict[str, Any]) -> TrainingExample:
    key = f"set-{owner.pk}"
    row = {**body, "id": f"{key}/{body['id']}", "question_id": f"{key}/{body['question_id']}", "group": key}
    return TrainingExample(
        source=ExampleSource.UPLOADED,
        state=ExampleState.ACCEPTED,
        training_set=owner,
        question_key=row["question_id"][:200],
        row=row,
        content_hash=content_hash(row),
        **described(row),
    )
