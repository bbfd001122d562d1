"""Model versions: registered as candidates, put in use by a person, retired, and brought back with one click."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from courses.models import Course
from courses.transitions import TransitionLost, move
from grading.exceptions import NoEarlierVersion, PromotionNeedsReason, VersionExists, VersionNotReady, VersionUnusable
from grading.gate import doubts
from grading.models import ModelVersion, VersionEvent, VersionState
from mlcore.manifest import AdapterError, Manifest, read_manifest


def version_register(
    *,
    directory: Path,
    name: str | None = None,
    by: User | None = None,
    evaluation: Mapping[str, Any] | None = None,
    course: Course | None = None,
) -> ModelVersion:
    """Register an adapter directory as a candidate, for the whole site or for one course alone.

    Raises:
        VersionUnusable: its manifest or files are damaged, or it was written by a newer program.
        VersionExists: the name is taken.
    """
    name = name or Path(directory).name
    manifest = _manifest(directory, name)
    version = ModelVersion(
        name=name,
        directory=_below_versions(directory),
        course=course,
        base_name=manifest.base.name,
        base_revision=manifest.base.revision,
        quantisation=manifest.base.quantisation,
        manifest=asdict(manifest),
        evaluation=dict(evaluation or {}),
    )
    try:
        with transaction.atomic():
            version.save(force_insert=True)
            version_event(version, by, "registered", "")
    except IntegrityError as error:
        raise VersionExists(name=name) from error
    return version


def version_copy_in(*, directory: Path, name: str) -> Path:
    """Copy an adapter into the versions directory under `name`, whole or not at all; where it lies already, that one.

    A version keeps its own copy: what grades name must stay the same when the program is updated.
    """
    target = Path(settings.MARGINALIA_VERSIONS_DIR) / name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=target.parent))
    try:
        shutil.copytree(directory, building, dirs_exist_ok=True)
        building.rename(target)
    except OSError:
        # Another process may have been faster; then its copy is the same.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def version_directory(version: ModelVersion) -> Path:
    """Where the adapter of a version lies."""
    return Path(settings.MARGINALIA_VERSIONS_DIR) / version.directory


def version_promote(*, version: ModelVersion, by: User | None, note: str = "") -> ModelVersion:
    """Put a version in use: the next grading run marks with it, and the one that was in use is retired.

    Where something speaks against it (`grading.gate`), `note` has to say why it is put in use all the same.

    Raises:
        PromotionNeedsReason: something speaks against it, and there is no note.
        VersionUnusable: its files are damaged, or it cannot score.
        VersionNotReady: it is in use already, or was rejected.
    """
    if version.files_deleted_at:
        raise VersionUnusable(name=version.name, reason=_("its files were deleted"))
    manifest = _manifest(version_directory(version), version.name)
    if "scorer" not in manifest.parts:
        raise VersionUnusable(name=version.name, reason="it has no scorer")
    with transaction.atomic():
        lock_versions()
        version = ModelVersion.objects.get(pk=version.pk)
        _check_step(version, VersionState.PROMOTED)
        against = doubts(version, ModelVersion.objects.in_use(version.course_id))
        if against and not note.strip():
            raise PromotionNeedsReason(doubts=" ".join(against))
        for other in ModelVersion.objects.promoted().of_scope(version.course_id):
            _step(other, VersionState.RETIRED, by, "replaced", note=version.name)
        if against:
            version_event(version, by, "overruled", version.state, " ".join(against))
        _step(version, VersionState.PROMOTED, by, "promoted", note=note)
    return version


def version_retire(*, version: ModelVersion, by: User, note: str = "") -> ModelVersion:
    """Take a version out of use; nothing can be marked until another one is put in use."""
    return _stepped(version, VersionState.RETIRED, by, "retired", note)


def version_reject(*, version: ModelVersion, by: User, note: str = "") -> ModelVersion:
    """Put a candidate away for good."""
    return _stepped(version, VersionState.REJECTED, by, "rejected", note)


def version_roll_back(*, by: User, course: Course | int | None = None) -> ModelVersion:
    """Put the version that was in use before back in use, for the site or for a course.

    Raises:
        NoEarlierVersion: there was none, or none of them is left.
    """
    earlier = previous_version(course)
    if earlier is None:
        raise NoEarlierVersion
    return version_promote(version=earlier, by=by, note="roll back")


def previous_version(course: Course | int | None = None) -> ModelVersion | None:
    """The retired version of a scope that was put in use last and still has its files."""
    retired = ModelVersion.objects.of_scope(course).filter(state=VersionState.RETIRED, files_deleted_at=None)
    promotions = VersionEvent.objects.filter(action="promoted", version__in=retired)
    last = promotions.select_related("version").order_by("-pk").first()
    return last.version if last else None


def _stepped(version: ModelVersion, to: VersionState, by: User, action: str, note: str) -> ModelVersion:
    with transaction.atomic():
        lock_versions()
        version = ModelVersion.objects.get(pk=version.pk)
        _check_step(version, to)
        _step(version, to, by, action, note=note)
    return version


def _check_step(version: ModelVersion, to: VersionState) -> None:
    if to not in ModelVersion.TRANSITIONS.get(VersionState(version.state), frozenset()):
        raise VersionNotReady(name=version.name, state=version.get_state_display())


def _step(version: ModelVersion, to: VersionState, by: User | None, action: str, *, note: str) -> None:
    before = version.state
    try:
        move(version, to, shadow_since=None)
    except TransitionLost as error:
        raise VersionNotReady(name=version.name, state=version.get_state_display()) from error
    version_event(version, by, action, before, note)


def version_event(version: ModelVersion, by: User | None, action: str, before: str, note: str = "") -> None:
    """Append a line to a version's history."""
    VersionEvent.objects.create(version=version, actor=by, action=action, before=before, after=version.state, note=note)


def lock_versions() -> None:
    """Promotions take turns: they change two rows, and two at a time could each retire the other's."""
    list(ModelVersion.objects.select_for_update().order_by("pk").values_list("pk"))


def _manifest(directory: Path, name: str) -> Manifest:
    try:
        return read_manifest(directory)
    except AdapterError as error:
        raise VersionUnusable(name=name, reason=str(error)) from error


def _below_versions(directory: Path) -> str:
    root = Path(settings.MARGINALIA_VERSIONS_DIR).resolve()
    whole = Path(directory).resolve()
    return str(whole.relative_to(root)) if whole.is_relative_to(root) else str(whole)
