"""Backup and restore: every row and every file that a site needs to go on, in one archive that either database reads.

The archive is a zip: `manifest.json` (what is in it, with the hash of each entry), `rows.jsonl` (Django's own form of
every row) and `files/` (what was handed in, adapter directories, trainings). Left out are sessions (everybody logs in
again), the secret key (who has a backup must not be able to sign sessions; keep a copy of it elsewhere) and whatever
the program makes anew: static files, the bundled base model, the schedule.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model, QuerySet
from django.utils import timezone

from grading.models import LastTime, Tally, Worker
from gradingsite.signin.models import CacheEntry, Tries

FORMAT = 1
# What `migrate` writes by itself: there in an empty system, and replaced by what the backup holds.
MADE_BY_MIGRATE: tuple[type[Model], ...] = (Permission, ContentType)
# Who is logged in, who works and what was counted is of the running system and nobody's record.
LEFT_OUT: tuple[type[Model], ...] = (Session, CacheEntry, Tries, Worker, Tally, LastTime)
CHUNK = 1024 * 1024


class BackupError(Exception):
    """Why a backup could not be made or restored, in words for who runs the command."""


@dataclass
class Manifest:
    """What an archive says of itself."""

    migrations: list[list[str]]
    rows: dict[str, int]
    made_at: str = field(default_factory=lambda: timezone.now().isoformat())
    hashes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    format: int = FORMAT


class ExactEncoder(DjangoJSONEncoder):
    """Times to the microsecond: Django's own stops at the millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def models_kept() -> list[type[Model]]:
    """Every table; a model that shares another's table is in it already."""
    return [model for model in apps.get_models() if model not in LEFT_OUT and not model._meta.proxy]  # noqa: SLF001


def _label(model: type[Model]) -> str:
    return model._meta.label  # noqa: SLF001


def _all(model: type[Model]) -> QuerySet[Any]:
    """All rows, also where a model's own manager would hide some."""
    return model._base_manager.order_by("pk")  # noqa: SLF001


def folders() -> dict[str, Path]:
    """The directories that are kept, by their name in the archive."""
    return {
        "media": Path(settings.MEDIA_ROOT),
        "versions": Path(settings.MARGINALIA_VERSIONS_DIR),
        "training": Path(settings.MARGINALIA_TRAINING_DIR),
    }


def backup_write(*, to: Path) -> Manifest:
    """Write everything to `to`, which appears only when it is complete. Work may go on meanwhile: the rows are those of
    one moment, and files are copied after them; no file changes once it is named by a row.

    Raises:
        BackupError: `to` is there already.
    """
    if to.exists():
        raise BackupError(f"{to} is there already, and a backup is never written over another.")
    part = to.with_name(f"{to.name}.part")
    # What is in it is people's work: for nobody but who runs the command.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as rows:
            manifest = _dump(rows)
            _pack(out, rows, manifest)
        part.rename(to)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _dump(rows: IO[str]) -> Manifest:
    """The rows of one moment."""
    counts: Counter[str] = Counter()
    with transaction.atomic():
        if connection.vendor == "postgresql" and not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for model in models_kept():
            found = _all(model)
            counts[_label(model)] = found.count()
            serializers.serialize("jsonl", found.iterator(500), stream=rows, cls=ExactEncoder)
        migrations = applied_migrations()
    rows.seek(0)
    return Manifest(migrations=migrations, rows=dict(counts))


def applied_migrations() -> list[list[str]]:
    return sorted([app, name] for app, name in MigrationRecorder(connection).applied_migrations())


def _pack(out: IO[bytes], rows: IO[str], manifest: Manifest) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        manifest.hashes["rows.jsonl"] = _add(archive, "rows.jsonl", _bytes_of(rows))
        for name, path in _files():
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue  # deleted a moment ago; told below where a row still names it
            with source:
                manifest.hashes[name] = _add(archive, name, _bytes_of_file(source))
        manifest.missing = [name for name in _named(rows) if f"files/media/{name}" not in manifest.hashes]
        archive.writestr("manifest.json", json.dumps(asdict(manifest), indent=1))


def _bytes_of_file(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _bytes_of(rows: IO[str]) -> Iterator[bytes]:
    while chunk := rows.read(CHUNK):
        yield chunk.encode()


def _named(rows: IO[str]) -> Iterator[str]:
    """The uploads that the dumped rows name."""
    rows.seek(0)
    for line in rows:
        if '"original": "' in line and (name := json.loads(line)["fields"].get("original")):
            yield name


def _files() -> Iterator[tuple[str, Path]]:
    for folder, root in folders().items():
        for path in sorted(root.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"files/{folder}/{path.relative_to(root).as_posix()}", path


def _add(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as entry:
        for chunk in chunks:
            digest.update(chunk)
            entry.write(chunk)
    return digest.hexdigest()


def backup_restore(*, source: Path) -> Manifest:
    """Put everything back into an empty system. All hashes are checked before anything is written, and the rows come
    in one transaction: a restore that fails leaves an empty system behind.

    Raises:
        BackupError: the archive is damaged or of another version, or the system is not empty.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _checked(archive)
            _refuse_unless_empty()
            written: list[Path] = []
            try:
                with transaction.atomic():
                    _load(archive)
                    _compare_counts(manifest)
                    _unpack(archive, manifest, written)
            except BaseException:
                for path in written:
                    path.unlink(missing_ok=True)
                raise
    except (zipfile.BadZipFile, OSError) as error:
        raise BackupError(f"{source} cannot be restored: {error}") from error
    return manifest


def _checked(archive: zipfile.ZipFile) -> Manifest:
    try:
        manifest = Manifest(**json.loads(archive.read("manifest.json")))
    except (KeyError, ValueError, TypeError) as error:
        raise BackupError("This is no backup of Marginalia: it has no manifest that can be read.") from error
    if manifest.format != FORMAT:
        raise BackupError(f"The backup has format {manifest.format}; this program reads {FORMAT}.")
    if set(archive.namelist()) != {*manifest.hashes, "manifest.json"}:
        raise BackupError("The files in the backup are not those that its manifest names.")
    for name, expected in manifest.hashes.items():
        if _hash(archive, name) != expected:
            raise BackupError(f"{name} in the backup is damaged: its hash is not the one in the manifest.")
        if name != "rows.jsonl":
            _target(name)
    if manifest.migrations != applied_migrations():
        raise BackupError(
            "The database here has other migrations than the backup. Restore with the version of the program that made "
            "the backup, after `manage.py migrate`, and upgrade then."
        )
    return manifest


def _hash(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as entry:
        while chunk := entry.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _target(name: str) -> Path:
    """Where an entry goes; nothing may point out of the directories that are kept."""
    parts = PurePosixPath(name).parts
    if len(parts) < 3 or parts[0] != "files" or parts[1] not in folders() or ".." in parts:
        raise BackupError(f"The backup names a file at a place of no meaning here: {name}")
    return folders()[parts[1]].joinpath(*parts[2:])


def _refuse_unless_empty() -> None:
    full = [_label(model) for model in models_kept() if model not in MADE_BY_MIGRATE and _all(model).exists()]
    if full:
        raise BackupError(f"The database is not empty; there are rows of {', '.join(full)}. Nothing was changed.")
    file = next(_files(), None)
    if file is not None:
        raise BackupError(f"The system is not empty; there is the file {file[1]}. Nothing was changed.")


def _load(archive: zipfile.ZipFile) -> None:
    """Every row as it was, with its id. Keys are checked at the end of the transaction, whatever the order of rows."""
    for model in MADE_BY_MIGRATE:
        _all(model).delete()
    with archive.open("rows.jsonl") as entry, io.TextIOWrapper(entry, encoding="utf-8") as lines:
        for row in serializers.deserialize("jsonl", lines):
            row.save(force_insert=True)
    connection.check_constraints()
    ContentType.objects.clear_cache()
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models_kept()):
            cursor.execute(statement)


def _compare_counts(manifest: Manifest) -> None:
    found = {_label(model): _all(model).count() for model in models_kept()}
    if found != manifest.rows:
        raise BackupError("What was read from the backup is not as many rows as it says; nothing was restored.")


def _unpack(archive: zipfile.ZipFile, manifest: Manifest, written: list[Path]) -> None:
    for name in manifest.hashes:
        if name == "rows.jsonl":
            continue
        path = _target(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as entry, path.open("xb") as out:
            written.append(path)
            shutil.copyfileobj(entry, out, CHUNK)
