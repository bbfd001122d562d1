"""A version's files: taken in from elsewhere, given out as one archive, and deleted."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from courses.models import Course
from grading.exceptions import VersionExists, VersionNotReady, VersionUnusable
from grading.models import ModelVersion, VersionState
from grading.services.versions import (
    lock_versions,
    version_copy_in,
    version_directory,
    version_event,
    version_register,
)
from mlcore.base import BaseModelError, describe_base
from mlcore.estimate import read_shape
from mlcore.manifest import AdapterError, read_manifest
from mlcore.shapes import check_shapes

# An adapter of a 13B model with a large rank stays below this; what says that it is larger is not unpacked.
MOST_BYTES = 4 << 30
MOST_FILES = 40
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")


def version_archive(*, version: ModelVersion, to: Path) -> Path:
    """Write a version's adapter directory, its card with it, as a ZIP file at `to`.

    Raises:
        VersionUnusable: its files are damaged or deleted.
    """
    directory = version_directory(version)
    try:
        read_manifest(directory)
    except AdapterError as error:
        raise VersionUnusable(name=version.name, reason=str(error)) from error
    # Weights do not get smaller by compressing them.
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(directory.iterdir()):
            if file.is_file():
                archive.write(file, f"{version.name}/{file.name}")
    return to


def version_import(*, file: UploadedFile, by: User, name: str = "", course: Course | None = None) -> ModelVersion:
    """Register an adapter directory that came as a ZIP file as a candidate. Nothing in it is ever unpickled: manifest,
    safetensors and texts are taken, each checked against the manifest's hash and the base model's shape.

    Raises:
        VersionUnusable: the archive, a file in it or its shape is not what it should be; the reason says which.
        VersionExists: there is a version of this name.
    """
    shown = name or Path(file.name or "").stem
    Path(settings.MARGINALIA_VERSIONS_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".import-", dir=settings.MARGINALIA_VERSIONS_DIR) as place:
        unpacked = Path(place) / "adapter"
        try:
            _unpack(file, unpacked)
            manifest = read_manifest(unpacked)
            base = describe_base(Path(settings.MARGINALIA_BASE_DIR))
            manifest.require_base(base.name, base.revision)
            check_shapes(unpacked, manifest, read_shape(Path(settings.MARGINALIA_BASE_DIR)))
        except (AdapterError, BaseModelError, zipfile.BadZipFile, OSError, ValueError, json.JSONDecodeError) as error:
            raise VersionUnusable(name=shown, reason=str(error)) from error
        wanted = name or manifest.name
        if not _NAME.fullmatch(wanted):
            raise VersionUnusable(
                name=shown, reason=_("a name has letters, digits, dots, dashes and underscores, at most 120")
            )
        if ModelVersion.objects.filter(name=wanted).exists() or _taken(wanted):
            raise VersionExists(name=wanted)
        directory = version_copy_in(directory=unpacked, name=wanted)
    return version_register(directory=directory, name=wanted, by=by, course=course)


def version_delete(*, version: ModelVersion, by: User) -> None:
    """Delete the files of a version that is not in use. Its row stays: grades, runs and histories go on naming it.

    Raises:
        VersionNotReady: it is in use.
    """
    with transaction.atomic():
        lock_versions()
        version = ModelVersion.objects.get(pk=version.pk)
        if version.state == VersionState.PROMOTED:
            raise VersionNotReady(name=version.name, state=version.get_state_display())
        ModelVersion.objects.filter(pk=version.pk).update(files_deleted_at=timezone.now(), shadow_since=None)
        version_event(version, by, "files_deleted", version.state)
    if not Path(version.directory).is_absolute():  # what was registered from elsewhere is not the program's to delete
        shutil.rmtree(version_directory(version), ignore_errors=True)


def _taken(name: str) -> bool:
    return (Path(settings.MARGINALIA_VERSIONS_DIR) / name).exists()


def _unpack(file: UploadedFile, to: Path) -> None:
    """The files of the one directory in the archive, by their names alone: no path in it is followed.

    Raises:
        ValueError: there is something else in it, or too much.
    """
    to.mkdir()
    with zipfile.ZipFile(file) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if not entries or len(entries) > MOST_FILES:
            raise ValueError(_("the archive has no files, or more than %d") % MOST_FILES)
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise ValueError(_("unpacked it would be larger than any adapter"))
        parents = {PurePosixPath(entry.filename).parent for entry in entries}
        if len(parents) != 1:
            raise ValueError(_("its files lie in more than one folder; it has to be one adapter directory"))
        for entry in entries:
            path = PurePosixPath(entry.filename)
            if path.suffix not in (".json", ".safetensors", ".md", ".txt") or not _NAME.fullmatch(path.name):
                raise ValueError(_("“%s” does not belong into an adapter directory") % path.name)
            with archive.open(entry) as source, (to / path.name).open("xb") as target:
                shutil.copyfileobj(source, target)
