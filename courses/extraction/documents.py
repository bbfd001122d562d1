"""Text of Word and OpenDocument files: their XML is walked in the order in which it is read, tables and notes included.

Runs in the process of courses.extraction.child only.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from courses.extraction.kinds import open_zip, word_part
from courses.extraction.limits import Limits, Unreadable

# Word: what was deleted or moved away, and the second writing of a drawing for older programs.
_WORD_SKIPPED = frozenset({"del", "moveFrom", "instrText", "delText", "Fallback", "pPr", "rPr"})
_WORD_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "p": "\n"}
_ODT_SKIPPED = frozenset({"tracked-changes", "annotation", "annotation-end", "sequence-decls", "note-citation"})
_ODT_TEXT = frozenset({"p", "h"})
_MOST_SPACES = 100


def docx_text(data: bytes, limits: Limits) -> str:
    with open_zip(data) as archive:
        main = word_part(archive) or "word/document.xml"
        folder = main.rpartition("/")[0]
        parts = [main] + [f"{folder}/{name}.xml" for name in ("footnotes", "endnotes")]
        budget = limits.document_bytes
        texts = []
        for name in parts:
            if name == main or name in archive.namelist():
                xml = _read(archive, name, budget)
                budget -= len(xml)
                texts.append(_joined(_word(_parsed(xml)), limits))
    return "\n".join(texts)


def odt_text(data: bytes, limits: Limits) -> str:
    with open_zip(data) as archive:
        if "META-INF/manifest.xml" in archive.namelist():
            manifest = _read(archive, "META-INF/manifest.xml", limits.document_bytes)
            if b"encryption-data" in manifest:
                raise Unreadable("encrypted")
        root = _parsed(_read(archive, "content.xml", limits.document_bytes))
    body = root.find("./{*}body/{*}text")
    return "" if body is None else _joined(_open(body, inside=False), limits)


def _joined(pieces: Iterable[str], limits: Limits) -> str:
    """The text, given up as soon as it is longer than an answer can be: walking all of it would take half a minute."""
    kept, length = [], 0
    for piece in pieces:
        kept.append(piece)
        length += len(piece)
        if length > limits.characters:
            raise Unreadable("too_long")
    return "".join(kept)


def _read(archive: zipfile.ZipFile, name: str, budget: int) -> bytes:
    try:
        entry = archive.getinfo(name)
        if entry.flag_bits & 0x1:
            raise Unreadable("encrypted")
        if entry.file_size > budget:
            raise Unreadable("unpacks_too_large")
        return archive.read(entry)
    except KeyError as error:
        raise Unreadable("broken") from error


def _parsed(xml: bytes) -> Element:
    # No document type at all: neither format has one, and it is where entities that grow without end are declared.
    root: Element = fromstring(xml, forbid_dtd=True)
    return root


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _word(element: Element) -> Iterator[str]:
    name = _local(element)
    if name in _WORD_SKIPPED:
        return
    if name == "t":
        yield element.text or ""
        return
    if name == "tr":
        # A cell ends with the end of its last paragraph, a row is one line.
        cells = ("".join(_word(cell)) for cell in element if _local(cell) in ("tc", "sdt"))
        yield "\t".join(cell.strip("\n").replace("\n", " ") for cell in cells) + "\n"
        return
    for child in element:
        yield from _word(child)
    yield _WORD_CHARACTERS.get(name, "")


def _open(element: Element, *, inside: bool) -> Iterator[str]:
    """Text of an OpenDocument element; only what stands inside a paragraph is text, the rest is layout of the XML."""
    name = _local(element)
    if name in _ODT_SKIPPED:
        return
    if name == "table-row":
        cells = ("".join(_open(cell, inside=False)).strip("\n").replace("\n", " ") for cell in element)
        yield "\t".join(cells) + "\n"
        return
    inside = name in _ODT_TEXT or (inside and name != "note-body")
    yield _odt_character(element, name)
    if inside:
        yield _collapsed(element.text)
    for child in element:
        yield from _open(child, inside=inside)
        if inside:
            yield _collapsed(child.tail)
    if name in _ODT_TEXT:
        yield "\n"


def _odt_character(element: Element, name: str) -> str:
    if name == "tab":
        return "\t"
    if name == "line-break":
        return "\n"
    if name == "s":
        count = next((value for key, value in element.attrib.items() if key.endswith("}c")), "1")
        return " " * (min(int(count), _MOST_SPACES) if count.isdecimal() else 1)
    return ""


def _collapsed(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""
