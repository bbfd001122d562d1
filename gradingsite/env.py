"""Typed readers of environment variables. Nonsense is refused when the site starts, in words that name the variable.

An empty value counts as "not set": a compose file passes `NAME=` for what nobody filled in.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
Word = TypeVar("Word", bound=str)


def text(name: str, default: str = "") -> str:
    """The value, or the content of the file that NAME_FILE names, as container secrets are handed over."""
    value = os.environ.get(name, "").strip()
    source = os.environ.get(f"{name}_FILE", "").strip()
    if value and source:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if source:
        value = _file_content(f"{name}_FILE", Path(source))
    return value or default


def _file_content(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name} names {path}, which cannot be read: {error}.") from error


def flag(name: str, *, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value in TRUE_WORDS:
        return True
    if value in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; use 1 or 0.")


def whole(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; use a whole number.") from error
    if number < least or (most is not None and number > most):
        span = f"{least} or more" if most is None else f"between {least} and {most}"
        raise ImproperlyConfigured(f"{name} is {number}; it must be {span}.")
    return number


def choice(name: str, default: Word, allowed: Sequence[Word]) -> Word:
    value = text(name, default)
    for word in allowed:
        if value == word:
            return word
    raise ImproperlyConfigured(f"{name} is {value!r}; use one of: {', '.join(allowed)}.")


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A comma-separated list."""
    found = [word.strip() for word in text(name).split(",")]
    return [word for word in found if word] or list(default)


def path(name: str, default: Path) -> Path:
    """An absolute path; `~` is expanded, a relative path is taken from the current directory."""
    value = text(name)
    return Path(value).expanduser().absolute() if value else default


def url(name: str, default: str, schemes: Sequence[str]) -> str:
    value = text(name, default)
    if value and value.partition("://")[0] not in schemes:
        # The value may hold a password, so it is not repeated here.
        raise ImproperlyConfigured(f"{name} must begin with one of: {', '.join(s + '://' for s in schemes)}.")
    return value


def kept_secret(name: str, file: Path, length: int = 50) -> str:
    """A secret from the environment, or one made at the first start and kept in a file that only its owner reads."""
    value = text(name)
    if value:
        return value
    if not file.exists():
        _write_once(file, secrets.token_urlsafe(length))
    return _kept(name, file)


def _write_once(file: Path, value: str) -> None:
    """Several processes may start at once: each writes a file of its own, and the first to link it into place wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(value)
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink()


def _kept(name: str, file: Path) -> str:
    value = _file_content(name, file)
    if not value:
        raise ImproperlyConfigured(f"{file} is empty; delete it, and the next start makes a new secret, or set {name}.")
    return value


def time_zone(name: str, default: str) -> str:
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; use a zone's name such as Europe/Berlin.") from error
    return value
