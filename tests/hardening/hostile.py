"""Files that somebody made to do harm, each as small as it can be for what it tries."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable

from tests.courses.files import docx_bytes, odt_bytes, pdf_bytes, with_part, zip_bytes

_BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]><x>&z;</x>'
LAUGHS = _BOMB % b"".join(
    b'<!ENTITY %c "%s">' % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("z") + 1)
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
_W = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'
_DEEP = 100_000


def pdf_of(objects: bytes, more: bytes = b"") -> bytes:
    return b"%PDF-1.7\n" + objects + b"\ntrailer << /Root 1 0 R " + more + b">>\n%%EOF"


def scripted_pdf() -> bytes:
    """Opens a web page, runs a script and starts a program, if one lets it; and has a text."""
    action = b"/OpenAction << /S /JavaScript /JS (app.launchURL\\('http://example.org/'\\)) >> "
    launch = b"/AA << /WC << /S /Launch /F (/bin/sh) >> >> /Pages"
    return pdf_bytes("Answer with a script").replace(b"/Catalog /Pages", b"/Catalog " + action + launch)


def million_objects() -> bytes:
    return pdf_of(b"".join(b"%d 0 obj 0 endobj\n" % number for number in range(1, 900_000)))[: 19 * 1024 * 1024]


def packed_objects() -> bytes:
    """A stream of a million objects in a few kilobytes."""
    numbers = b" ".join(b"%d 0" % number for number in range(10, 1_000_010))
    body = zlib.compress(numbers + b" 0")
    stream = (
        b"2 0 obj << /Type /ObjStm /N 1000000 /First %d /Filter /FlateDecode /Length %d >> stream\n%s\nendstream endobj"
    )
    return pdf_of(b"1 0 obj << /Type /Catalog /Pages 10 0 R >> endobj\n" + stream % (len(numbers) + 1, len(body), body))


def swollen_page() -> bytes:
    """A page whose content unpacks a thousandfold, and unpacks again."""
    body = zlib.compress(zlib.compress(b"(a) Tj " * 40_000_000, 1), 9)
    head = b"<< /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n%s\nendstream" % (len(body), body)
    return (
        pdf_bytes("x")
        .replace(b"<< /Length 34 >>", b"", 1)
        .replace(b"3 0 obj\n", b"3 0 obj\n" + head + b"\nendobj\n33 0 obj\n", 1)
    )


def circle() -> bytes:
    """Pages that hold each other."""
    return pdf_of(
        b"1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n"
        b"2 0 obj << /Type /Pages /Kids [3 0 R] /Count 9 >> endobj\n"
        b"3 0 obj << /Type /Pages /Kids [2 0 R 2 0 R] /Parent 2 0 R /Count 9 >> endobj"
    )


def nested_arrays() -> bytes:
    return pdf_of(b"1 0 obj " + b"[" * _DEEP + b"]" * _DEEP + b" endobj")


def word(body: bytes) -> bytes:
    return with_part(docx_bytes("x"), "word/document.xml", body)


def deep_word() -> bytes:
    return word(_W % (b"<w:p>" * _DEEP + b"</w:p>" * _DEEP))


def endless_word() -> bytes:
    """18 MB of XML in 60 kB."""
    return word(_W % (b"<w:p><w:r><w:t>word</w:t></w:r></w:p>" * 450_000))


def wide_word() -> bytes:
    return word(b"<w:document " + b" ".join(b'a%d=""' % number for number in range(900_000)) + b"/>")


def zip_bomb() -> bytes:
    """Two gigabytes of nothing in two megabytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.txt", "w") as part:
        for _ in range(256):
            part.write(bytes(1024 * 1024))
    return packed.getvalue()


def lying_zip() -> bytes:
    """An archive whose directory says that its file is small."""
    data = zip_bomb()
    return data.replace((256 * 1024 * 1024).to_bytes(4, "little"), (100).to_bytes(4, "little"))


def zip_in_zip() -> bytes:
    data = b"end"
    for _ in range(20):
        data = zip_bytes({"again.zip": data})
    return data


def crowded_zip() -> bytes:
    return zip_bytes({f"{number}.txt": b"" for number in range(21_000)})


def strange_names() -> bytes:
    names = [
        "../../etc/passwd",
        "/etc/shadow",
        "C:\\x\\y.txt",
        "a\u202etxt.exe",
        "\u200b",
        "é" * 300,
        "a/" * 400 + "b",
        "%s%n",
        "<img src=x onerror=alert(1)>.txt",
        "CON",
        "..",
        "a\nb\r.txt",
    ]
    return zip_bytes(dict.fromkeys(names, b"An answer."))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "laughs in docx": lambda: word(LAUGHS),
    "outside file in docx": lambda: word(OUTSIDE),
    "laughs in odt": lambda: with_part(odt_bytes("x"), "content.xml", LAUGHS),
    "outside file in odt": lambda: with_part(odt_bytes("x"), "content.xml", OUTSIDE),
    "laughs in the manifest of an odt": lambda: with_part(odt_bytes("x"), "META-INF/manifest.xml", LAUGHS),
    "docx that unpacks to 200 MB": lambda: word(b" " * (200 << 20)),
    "odt that unpacks to 200 MB": lambda: with_part(odt_bytes("x"), "content.xml", b" " * (200 << 20)),
    "docx of 100,000 levels": deep_word,
    "docx of 18 MB of XML": endless_word,
    "docx with 900,000 attributes": wide_word,
    "pdf with scripts": scripted_pdf,
    "pdf with a million objects": million_objects,
    "pdf with a million packed objects": packed_objects,
    "pdf that unpacks to 280 MB": swollen_page,
    "pdf whose pages hold each other": circle,
    "pdf with 100,000 nested arrays": nested_arrays,
    "zip of 256 MB of nothing": zip_bomb,
    "zip that lies about its size": lying_zip,
    "zip in zip, 20 times": zip_in_zip,
    "zip of 21,000 files": crowded_zip,
    "zip with strange names": strange_names,
    "text of 19 MB": lambda: b"word " * 3_900_000,
    "19 MB of control characters": lambda: b"\xff" + b"\x01\x02" * 9_900_000,
    "19 MB of broken UTF-8": lambda: b"\xef\xbb\xbf" + b"\xff" * 19_900_000,
}

_PAST = b'{"question":"q","answer":"a"}'
HOSTILE_TABLES: dict[str, Callable[[], bytes]] = {
    "24 MB of blank lines": lambda: b"question;answer" + b"\r" * 25_000_000,
    "a row of 24 million cells": lambda: b";" * 25_000_000,
    "a cell of 24 MB": lambda: b'question;answer\nq;"' + b"a" * 25_000_000,
    "an open quotation mark": lambda: b'question;answer\n"' + b"q;a\n" * 1_000_000,
    "a list of 8 million empty objects": lambda: b"[" + b"{}," * 8_000_000 + b"{}]",
    "8 million brackets": lambda: b"[" * 8_000_000,
    "one row of a million lists": lambda: b'[{"a":[' + b"[]," * 5_000_000,
    "lines that are no JSON": lambda: b"{\n" + b"x\n" * 12_000_000,
    "800,000 rows of JSON": lambda: b"[" + b",".join([_PAST] * 800_000) + b"]",
    "an emoji and 24 MB": lambda: "question;answer\n😀;a\n".encode() + (b"q;" + b"a" * 1200 + b"\n") * 19_000,
    "24 MB of broken UTF-8": lambda: b"\xef\xbb\xbf" + b"\xff" * 25_000_000,
    "formulas": lambda: b'question,answer,score,max_score,feedback\n=1+1,@SUM(A1),1,2,"=HYPERLINK(""http://x"")"\n',
    "numbers that are none": lambda: (
        b"question,answer,score,max_score\nq,a,1e999999999,NaN\nq,a,Infinity,-0\nq,b,\xd9\xa3,4\n"
    ),
}
