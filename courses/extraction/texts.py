"""Which encoding is it, and what of it is text."""

from __future__ import annotations

import codecs
import re
import unicodedata

# A longer mark that begins like a shorter one stands first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Share of characters that no text has, above which it is none.
_MOST_CONTROLS = 0.05
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd]")
# Everything of Unicode's category Cc but tab and line feed, lone surrogates, and the marks that are no characters.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BREAKS = re.compile("\r\n|[\r\x0c\x85\u2028\u2029]")
_MANY_BREAKS = re.compile("\n{4,}")


class NotText(ValueError):
    """The bytes are no text in any encoding that we know."""


def decode(data: bytes) -> str:
    """The bytes as text: by its byte order mark, as UTF-8, as UTF-16 without a mark, or as Windows-1252.

    The last takes nearly anything (Latin-1 is a part of it), so what comes out must also look like text.

    Raises:
        NotText
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    wide = _utf16_without_mark(data)
    if wide is not None:
        return wide
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        # Five bytes mean nothing in Windows-1252; Latin-1 knows them as controls, which are counted below.
        text = "".join(_latin(bytes([byte])) if 0x80 <= byte < 0xA0 else chr(byte) for byte in data)
    return _checked(text)


def clean_text(text: str) -> str:
    """Text as it is kept and shown: composed (NFC), breaks as line feeds, no control characters, no blank edges.

    Letters of every script, marks of direction, joiners and emoji stay: they are part of the answer.
    """
    text = _BREAKS.sub("\n", text)
    text = _UNWANTED.sub("", text.replace("\x0b", "\n"))
    text = unicodedata.normalize("NFC", text)
    # Line by line, for a regular expression over long runs of blanks takes the square of their number.
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return _MANY_BREAKS.sub("\n\n\n", text).strip()


def _decoded(data: bytes, encoding: str) -> str:
    # An odd byte at the end, or half a pair, is a torn file and no reason to refuse the rest.
    return _checked(data.decode(encoding, errors="replace"))


def _utf16_without_mark(data: bytes) -> str | None:
    """Latin letters in UTF-16 have a zero in every second byte."""
    sample = data[:4000]
    if len(sample) < 4 or len(data) % 2:
        return None
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros, others = sample[start::2].count(0), sample[1 - start :: 2].count(0)
        if zeros > 0.6 * len(sample) / 2 and others < 0.1 * len(sample) / 2:
            return _decoded(data, encoding)
    return None


def _latin(byte: bytes) -> str:
    try:
        return byte.decode("cp1252")
    except UnicodeDecodeError:
        return byte.decode("latin-1")


def _checked(text: str) -> str:
    # Null bytes are dropped later; a text that is mostly null bytes is none.
    nulls = text.count("\x00")
    letters = len(text) - nulls
    controls = len(_CONTROLS.findall(text)) - nulls
    if (letters and controls > max(1, _MOST_CONTROLS * letters)) or nulls > max(2, len(text) / 2):
        raise NotText
    return text
