"""The adapter directory: what a fine-tuning leaves behind and what the engine loads.

    manifest.json           what it is, on which base, how it was trained, what it measured, the hash of each file
    *.safetensors, *.json   the weights and the settings that belong to them, named in the manifest
    CARD.md                 the manifest in words, for people; nothing reads it back

A directory appears whole or not at all: it is written under a temporary name beside its target, flushed to disk and
renamed. Nothing in it is ever unpickled, and no file is used before its hash was compared.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlcore.card import card_markdown
from mlcore.files import file_digest, flush, write_whole

__all__ = [
    "FORMAT_VERSION",
    "AdapterError",
    "AdapterExists",
    "BaseEntry",
    "BaseMismatch",
    "CorruptAdapter",
    "IncompatibleAdapter",
    "Manifest",
    "PartEntry",
    "card_markdown",
    "read_manifest",
    "update_metrics",
    "write_adapter",
]

# 1: scorer (regression or bands) and feedback on one base; hashes of all files; a digest over the manifest itself.
# 2: a scorer may have a stacked regressor, which changes its marks. 3: and a memory, which does too.
FORMAT_VERSION = 3
_READABLE = (1, 2, 3)
MANIFEST = "manifest.json"
CARD = "CARD.md"
HEADS = ("regression", "bands")
PARTS = ("scorer", "feedback")

# One plain file beside the manifest: no separators, so no name can lead out of the directory.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.(safetensors|json)\Z")


class AdapterError(ValueError):
    """An adapter directory that cannot be used or written. The message names the directory or file and the reason."""


class CorruptAdapter(AdapterError):
    """What lies in the directory is not what was written there."""


class IncompatibleAdapter(AdapterError):
    """The directory is sound, but this program does not know how to use it."""


class BaseMismatch(IncompatibleAdapter):
    """The adapter was trained on another base model than the one that is loaded."""


class AdapterExists(AdapterError):
    """There is something at the target already; an adapter is never overwritten."""


@dataclass(frozen=True)
class BaseEntry:
    """The base model that the adapter belongs to. `quantisation` is the one it was trained on."""

    name: str
    revision: str
    quantisation: str = "nf4"


@dataclass(frozen=True)
class PartEntry:
    """One ability: the files it needs and, for the scorer, its head. `settings` is the part's own business."""

    files: tuple[str, ...]
    head: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """Everything that is known about one adapter. `files` (name to SHA-256) is filled in by `write_adapter`.

    `training` holds {config, data: {file: sha256}, code_version, seed}; `metrics` what `mlcore.evaluate` returned, by
    the name of the data; `licences` one notice per source; `weaknesses` one sentence each, for the card.
    """

    name: str
    base: BaseEntry
    parts: dict[str, PartEntry]
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    licences: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    files: dict[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def require_base(self, name: str, revision: str) -> None:
        """Refuse any base but the one the adapter was trained on: it would load, and mark nonsense.

        Raises:
            BaseMismatch: where name or revision differ.
        """
        if (name, revision) != (self.base.name, self.base.revision):
            raise BaseMismatch(
                f"“{self.name}” was trained on {self.base.name} (revision {self.base.revision}), "
                f"but the base model that is loaded is {name} (revision {revision})"
            )


def read_manifest(directory: Path, *, verify: bool = True) -> Manifest:
    """The manifest of an adapter directory, after every file in it was compared with its hash.

    Args:
        verify: False skips the hashes of the files (a listing page does not need them; loading does).

    Raises:
        CorruptAdapter: something is missing, unreadable or changed; the message names the file.
        IncompatibleAdapter: a newer format, or a head or part that this version does not know.
    """
    path = Path(directory) / MANIFEST
    manifest = _from_json(_load(path), path)
    if verify:
        for name, digest in manifest.files.items():
            _check_file(Path(directory) / name, digest)
    return manifest


def write_adapter(directory: Path, write_files: Callable[[Path], None], manifest: Manifest) -> Path:
    """Write an adapter directory in one step: afterwards it is there and whole, or not there at all.

    Args:
        directory: the target, which must not exist yet; its parent is made where missing.
        write_files: gets an empty directory and puts the files of all parts into it.
        manifest: `files` is ignored and filled in from what was written.

    Raises:
        AdapterExists: there is something at the target.
        AdapterError: a file has a name that is not allowed, or a part names a file that was not written.
    """
    directory = Path(directory)
    _refuse_existing(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".tmp", dir=directory.parent))
    try:
        write_files(building)
        complete = replace(manifest, files=_hash_all(building))
        _check_parts(complete, building)
        _write_texts(building, complete)
        _flush_all(building)
        _refuse_existing(directory)
        building.rename(directory)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    flush(directory.parent)
    return directory


def update_metrics(directory: Path, metrics: Mapping[str, Any]) -> Manifest:
    """Add measurements to an adapter that is already in place; its weights are not touched.

    Raises:
        AdapterError: the directory cannot be read.
    """
    manifest = read_manifest(directory)
    changed = replace(manifest, metrics={**manifest.metrics, **metrics})
    _write_texts(Path(directory), changed)
    flush(Path(directory))
    return changed


def _refuse_existing(directory: Path) -> None:
    if directory.exists() or directory.is_symlink():
        raise AdapterExists(f"{directory} exists already; an adapter is never overwritten, choose another name")


def _hash_all(building: Path) -> dict[str, str]:
    files = {}
    for path in sorted(building.iterdir()):
        _check_name(path.name, building)
        if path.is_symlink() or not path.is_file():
            raise AdapterError(f"{path} is not a plain file; an adapter holds nothing else")
        files[path.name] = file_digest(path)
    return files


def _check_name(name: str, where: Path) -> None:
    if not _FILE_NAME.match(name) or name == MANIFEST:
        raise AdapterError(f"{where}: “{name}” is not a name for an adapter's file (NAME.safetensors or NAME.json)")


def _check_parts(manifest: Manifest, where: Path) -> None:
    if not manifest.parts:
        raise AdapterError(f"{where}: an adapter needs a scorer, a feedback writer or both, and has neither")
    for part, entry in manifest.parts.items():
        if part not in PARTS:
            raise IncompatibleAdapter(f"{where}: the part “{part}” is not known here (known: {', '.join(PARTS)})")
        if part == "scorer" and entry.head not in HEADS:
            raise IncompatibleAdapter(f"{where}: the head “{entry.head}” is not known here (known: {', '.join(HEADS)})")
        missing = set(entry.files) - set(manifest.files)
        if missing:
            raise CorruptAdapter(
                f"{where}: the {part} needs {', '.join(sorted(missing))}, which is not among the files"
            )


def _write_texts(directory: Path, manifest: Manifest) -> None:
    body = asdict(manifest)
    body["digest"] = _digest(body)
    write_whole(directory / CARD, card_markdown(manifest) + "\n")
    write_whole(directory / MANIFEST, json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _flush_all(directory: Path) -> None:
    """Flush each file, readable for others: safetensors writes 0600, but web server and worker may be two users."""
    for path in directory.iterdir():
        path.chmod(0o644)
        flush(path)
    directory.chmod(0o755)
    flush(directory)


def _digest(body: Mapping[str, Any]) -> str:
    """A hash of the manifest itself, so that a changed figure or name is noticed as surely as a changed weight."""
    rest = {key: value for key, value in body.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _load(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CorruptAdapter(f"{path} is missing: {path.parent} is not an adapter directory") from None
    except OSError as error:
        raise CorruptAdapter(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CorruptAdapter(f"{path} is not readable JSON: {error}") from error
    if not isinstance(body, dict):
        raise CorruptAdapter(f"{path} does not hold a manifest (one JSON object)")
    return body


def _from_json(body: dict[str, Any], path: Path) -> Manifest:
    # The version comes first: a newer format may lay out all the rest differently.
    version = body.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise IncompatibleAdapter(
            f"{path} has format version {version}, but this program knows versions up to {FORMAT_VERSION}; update it"
        )
    try:
        if version not in _READABLE or body.pop("digest") != _digest(body):
            raise CorruptAdapter(f"{path} was changed after it was written: its digest does not match its content")
        manifest = _build(body)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, AdapterError):
            raise
        raise CorruptAdapter(f"{path} is not a complete manifest: {error}") from error
    for name in _names(manifest):
        if not _FILE_NAME.match(name) or name == MANIFEST:
            raise CorruptAdapter(f"{path} names “{name}”, which is no file of an adapter")
    _check_parts(manifest, path.parent)
    return manifest


def _build(body: dict[str, Any]) -> Manifest:
    parts = {name: PartEntry(**{**part, "files": tuple(part["files"])}) for name, part in body["parts"].items()}
    lists = {key: tuple(body[key]) for key in ("licences", "weaknesses")}
    _check_kinds(body, parts, lists)
    return Manifest(**{**body, **lists, "base": BaseEntry(**body["base"]), "parts": parts})


def _check_kinds(body: dict[str, Any], parts: dict[str, PartEntry], lists: dict[str, tuple[Any, ...]]) -> None:
    """A manifest that somebody else signed may have anything anywhere: what is used later is looked at here.

    Raises:
        TypeError
    """
    texts = [body["name"], body["created"], *body["base"].values(), *body["files"].values(), *lists["licences"]]
    texts += [*lists["weaknesses"], *(name for entry in parts.values() for name in entry.files)]
    texts += [entry.head for entry in parts.values() if entry.head is not None]
    objects = [body["files"], body["training"], body["metrics"], *(entry.settings for entry in parts.values())]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(entry, dict) for entry in objects):
        raise TypeError("a value is of another kind than it should be")


def _names(manifest: Manifest) -> Iterable[str]:
    yield from manifest.files
    for part in manifest.parts.values():
        yield from part.files


def _check_file(path: Path, expected: str) -> None:
    try:
        found = file_digest(path)
    except FileNotFoundError:
        raise CorruptAdapter(f"{path} is missing, but the manifest names it") from None
    except OSError as error:
        raise CorruptAdapter(f"{path} cannot be read: {error.strerror}") from error
    if found != expected:
        raise CorruptAdapter(
            f"{path} is not the file that was written: its SHA-256 is {found[:12]}…, the manifest says {expected[:12]}…"
        )
