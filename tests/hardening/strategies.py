"""Random files and words that lean towards what breaks parsers."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from courses.tables import ANSWER_COLUMNS, ENROLMENT_COLUMNS, MARKED_COLUMNS
from tests.courses.files import docx_bytes, odt_bytes, pdf_bytes, with_part, zip_bytes

DOCX, ODT_FILE = docx_bytes("x"), odt_bytes("x")
NASTY = [
    "", " ", "\x00", "a\x00b", "\u202egnp.exe", "\u200b", "\ud800", "𝕬𝖉𝖆", "ﷺ" * 50, "e\u0301" * 20, "İ", "ß", "👩‍🔬🇩🇪",
    "0", "-1", "1e999", "NaN", "-Infinity", "9" * 400, "0x1f", "1,5", "١٢٣", "½", "2147483648", "9223372036854775808",
    "=1+1", "@SUM(1)", "+cmd|' /C calc'!A0", "../../etc/passwd", "C:\\x", "%s%n%x", "{{ 7*7 }}", "{% now 'Y' %}", "${x}",
    "<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "' OR 1=1 --", "a@b", "A@EXAMPLE.ORG",
    "2026-02-30", "0000-00-00T00:00", "9999-12-31T23:59", "true", "null", "[]", "[[[[", '{"a": [1, {"b": null}]}', "x" * 5000,
]  # fmt: skip
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp437", "mac-roman", "koi8-r", "shift-jis", "gb18030", "utf-7", "cp037"]  # fmt: skip

words = st.sampled_from(NASTY) | st.text(max_size=40)
safe_words = words.map(lambda word: word.encode("utf-8", "replace").decode())


def torn(sample: bytes) -> st.SearchStrategy[bytes]:
    """A real file with some of its bytes cut out, changed or put in."""

    def tear(cuts: list[tuple[float, int, bytes]]) -> bytes:
        data = sample
        for share, length, instead in cuts:
            place = int(share * len(data))
            data = data[:place] + instead + data[place + length :]
        return data

    cut = st.tuples(st.floats(0, 0.999), st.integers(0, 60), st.binary(max_size=20))
    return st.lists(cut, min_size=1, max_size=4).map(tear)


tags = st.sampled_from(
    ["p", "r", "t", "tbl", "tr", "tc", "del", "sdt", "br", "tab", "drawing", "text:p", "text:s", "x"]
)


def element(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda tag, parts: f"<w:{tag.replace(':', '')}>{''.join(parts)}</w:{tag.replace(':', '')}>",
        tags,
        st.lists(inner, max_size=4),
    )


xml_text = st.text(st.characters(exclude_characters="<>&", exclude_categories=["Cs", "Cc"]), max_size=20)
xml = st.recursive(xml_text, element, max_leaves=20)
NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
word_xml = xml.map(lambda body: f"<w:document {NAMESPACE}><w:body>{body}</w:body></w:document>".encode())
docx_files = (
    torn(docx_bytes("One", "Zwei", table=[["a", "b"]]))
    | word_xml.map(lambda body: with_part(DOCX, "word/document.xml", body))
    | torn(b"<w:document %s><w:body><w:p><w:t>A</w:t></w:p></w:body></w:document>" % NAMESPACE.encode()).map(
        lambda body: with_part(DOCX, "word/document.xml", body)
    )
)
ODT = 'xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
odt_files = torn(odt_bytes("One", "Two")) | xml.map(
    lambda body: with_part(
        ODT_FILE, "content.xml", f"<o:d {ODT} {NAMESPACE}><o:body><o:text>{body}</o:text></o:body></o:d>".encode()
    )
)
pdf_operators = st.lists(
    st.sampled_from(
        [
            "BT",
            "ET",
            "Tj",
            "TJ",
            "Tf",
            "Td",
            "Tm",
            "q",
            "Q",
            "cm",
            "Do",
            "BI",
            "ID",
            "EI",
            "'",
            '"',
            "(x)",
            "[(a) 3 (b)]",
            "/F1",
            "<</A 1>>",
            "<",
            "[",
            "(",
            "1",
            "-9e9",
        ]
    ),
    max_size=30,
).map(lambda parts: pdf_bytes("x").replace(b"BT /F1 12 Tf 72 720 Td (x) Tj ET", " ".join(parts).encode()))
pdf_files = torn(pdf_bytes("One", pages=2)) | pdf_operators
texts = st.binary(max_size=600) | st.builds(
    lambda text, encoding: text.encode(encoding, "replace"), st.text(max_size=200), st.sampled_from(ENCODINGS)
)
files = docx_files | odt_files | pdf_files | texts
entry_names = safe_words.map(lambda name: name.replace("\x00", "")[:200] or "a").filter(bool)
zip_files = st.dictionaries(entry_names, texts | st.just(b"An answer."), max_size=5).map(zip_bytes)
archives = zip_files | zip_files.flatmap(torn) | st.dictionaries(entry_names, files, max_size=3).map(zip_bytes)

columns = st.sampled_from(sorted({*ENROLMENT_COLUMNS, *ANSWER_COLUMNS, *MARKED_COLUMNS, "x", "question", "answer"}))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | safe_words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(columns | st.sampled_from(["title", "points", "levels", "description"]), inner, max_size=4)
    ),
    max_leaves=12,
)
json_tables = st.lists(st.dictionaries(columns, json_values, max_size=8), max_size=6).map(
    lambda rows: "\n".join(
        json.dumps({"question": "q", "answer": "a", "email": "a@example.org", **row}) for row in rows
    ).encode()
)
csv_tables = st.builds(
    lambda heads, rows, delimiter, encoding: "\n".join(delimiter.join(row) for row in [heads, *rows]).encode(
        encoding, "replace"
    ),
    st.lists(columns, min_size=1, max_size=8).map(lambda heads: [*heads, "question", "answer", "email"]),
    st.lists(st.lists(safe_words, max_size=10), max_size=6),
    st.sampled_from([";", ",", "\t", "|"]),
    st.sampled_from(ENCODINGS),
)
sheets = zip_bytes({"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b"<Types/>"})
tables = json_tables | csv_tables | csv_tables.flatmap(torn) | texts | torn(sheets)
