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
# What is no text shows early; counting in megabytes of it takes gigabytes.
_SAMPLE = 200_000
_CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd]")
# Everything of Unicode's category Cc but tab and line feed, lone surrogates, and the marks that are no characters.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BREAKS = re.compile("\r\n|[\r\x0c\x85\u2028\u2029]")
_MANY_BREAKS = re.compile("\n{4,}")


# Marks that turn the order of what follows around or cannot be seen: “exe.tset” written as “test.exe”, or two names
# that look the same. Joiners stay, for some scripts and emoji need them.
_TRICKS = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
)


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
        text = codecs.charmap_decode(data, "strict", _WINDOWS)[0]
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


def clean_name(text: str) -> str:
    """A name on one line, with nothing in it that cannot be seen or that turns the rest around."""
    return " ".join(clean_text(_TRICKS.sub("", text)).split())


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


_WINDOWS = "".join(_latin(bytes([byte])) if 0x80 <= byte < 0xA0 else chr(byte) for byte in range(256))


def _checked(text: str) -> str:
    # Null bytes are dropped later; a text that is mostly null bytes is none.
    sample = text[:_SAMPLE]
    nulls = sample.count("\x00")
    letters = len(sample) - nulls
    controls = len(_CONTROLS.findall(sample)) - nulls
    if (letters and controls > max(1, _MOST_CONTROLS * letters)) or nulls > max(2, len(sample) / 2):
        raise NotText
    return text
