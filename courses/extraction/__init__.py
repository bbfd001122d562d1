"""Bytes → text. Knows files, not the database: whatever the bytes are, the result is clean text or `Unreadable`."""

from courses.extraction.archives import Member, unpack
from courses.extraction.kinds import Kind, kind_of
from courses.extraction.limits import LIMITS, Limits, Unreadable
from courses.extraction.reading import extract_text
from courses.extraction.texts import NotText, clean_name, clean_text, decode

__all__ = [
    "LIMITS",
    "Kind",
    "Limits",
    "Member",
    "NotText",
    "Unreadable",
    "clean_name",
    "clean_text",
    "decode",
    "extract_text",
    "kind_of",
    "unpack",
]
