"""Text layer of a PDF. Runs in the process of courses.extraction.child only."""

from __future__ import annotations

import io
import logging

from pypdf import PdfReader
from pypdf.errors import DependencyError

from courses.extraction.limits import Limits, Unreadable

# Letters that were joined for printing, as a person types them.
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}


def pdf_text(data: bytes, limits: Limits) -> str:
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not _opens(reader):
        raise Unreadable("encrypted")
    if len(reader.pages) > limits.pdf_pages:
        raise Unreadable("too_many_pages")
    text, length = [], 0
    for page in reader.pages:
        text.append(page.extract_text().translate(_LIGATURES))
        length += len(text[-1])
        if length > limits.characters:
            raise Unreadable("too_long")
    return "\n\n".join(text)


def _opens(reader: PdfReader) -> bool:
    """A PDF that only forbids printing or copying opens without a password."""
    try:
        return bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError, ValueError):
        return False
