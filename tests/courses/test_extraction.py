"""Bytes become clean text, or a reason; whatever they are."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.errors import UNREADABLE_WORDS, reason_for
from courses.extraction import Kind, Limits, Unreadable, extract_text, kind_of
from courses.extraction.reader import DocumentReader
from tests.courses.files import docx_bytes, locked_pdf_bytes, odt_bytes, pdf_bytes, with_part, zip_bytes

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><document>&c;</document>"""
SAMPLES = [
    docx_bytes("One", table=[["a", "b"]]),
    odt_bytes("One", "Two"),
    pdf_bytes("One"),
    zip_bytes({"a.txt": b"One"}),
]


def problem(data: bytes, **limits: int) -> str:
    with pytest.raises(Unreadable) as caught:
        extract_text(data, Limits(**limits))
    assert caught.value.code in UNREADABLE_WORDS
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_it_reads_plain_text_in_every_usual_encoding(encoding: str) -> None:
    assert extract_text("Größe naïve “quoted” – 5 €".encode(encoding)) == "Größe naïve “quoted” – 5 €"


def test_it_reads_latin_1() -> None:
    assert extract_text("Grüße aus Köln".encode("latin-1")) == "Grüße aus Köln"


def test_it_keeps_right_to_left_text_and_emoji() -> None:
    text = "שלום \u200fעולם\u200e مرحبا 👩‍🔬🇩🇪"
    assert extract_text(text.encode()) == text


def test_it_drops_control_characters_and_composes_letters() -> None:
    assert extract_text("a\x00b\x07c\r\nu\u0308 \t\n".encode()) == "abc\nü"


def test_it_keeps_fifty_thousand_characters() -> None:
    text = "word " * 10_000
    assert extract_text(text.encode()) == text.strip()


def test_long_runs_of_blanks_take_no_time() -> None:
    start = time.perf_counter()
    extract_text(b"a" + b" " * 400_000 + b"b")
    assert time.perf_counter() - start < 5


def test_it_reads_paragraphs_and_tables_of_a_word_document_in_order() -> None:
    data = docx_bytes("First Ü 😀", table=[["a", "b"], ["c", "d"]], after="Last")
    assert extract_text(data) == "First Ü 😀\na\tb\nc\td\nLast"


def test_it_reads_an_opendocument_text() -> None:
    assert extract_text(odt_bytes("Title", "Grüße", "Ende")) == "Title\nGrüße\nEnde"


def test_it_reads_the_text_of_a_pdf() -> None:
    assert extract_text(pdf_bytes("Answer in a PDF")) == "Answer in a PDF"


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_only_forbids_printing_is_read(algorithm: str) -> None:
    locked = locked_pdf_bytes("Open to read", "", owner="secret", algorithm=algorithm)
    assert extract_text(locked) == "Open to read"


@pytest.mark.parametrize("algorithm", ["AES-128", "AES-256"])
def test_a_pdf_with_a_password_stays_closed(algorithm: str) -> None:
    assert problem(locked_pdf_bytes("No", "secret", algorithm=algorithm)) == "encrypted"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b" \r\n\t ", "empty", id="blanks"),
        pytest.param(b"\xef\xbb\xbf", "empty", id="only a mark"),
        pytest.param(b"\x00" * 50, "empty", id="only null bytes"),
        pytest.param(docx_bytes(), "no_text", id="empty docx"),
        pytest.param(pdf_bytes(), "scan", id="scan"),
        pytest.param(locked_pdf_bytes("No", "secret"), "encrypted", id="encrypted pdf"),
        pytest.param(pdf_bytes("x")[:60], "broken", id="torn pdf"),
        pytest.param(docx_bytes("One")[:-60], "broken", id="torn docx"),
        pytest.param(with_part(docx_bytes("x"), "word/document.xml", b"<w:doc"), "broken", id="broken xml"),
        pytest.param(with_part(docx_bytes("x"), "word/document.xml", BOMB), "broken", id="entity bomb in docx"),
        pytest.param(with_part(odt_bytes("x"), "content.xml", BOMB), "broken", id="entity bomb in odt"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "old_office", id="old office"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4, "unknown_type", id="picture"),
        pytest.param(b"{\\rtf1 hello}", "unknown_type", id="rtf"),
        pytest.param(zip_bytes({"a.txt": b"x"}), "archive", id="archive"),
        pytest.param(with_part(docx_bytes("x"), "[Content_Types].xml", b"<Types/>"), "unknown_type", id="spreadsheet"),
    ],
)
def test_it_says_why_a_file_cannot_be_read(data: bytes, code: str) -> None:
    assert problem(data) == code


def test_it_refuses_what_is_too_large() -> None:
    assert problem(b"x" * 2000, file_bytes=1000) == "too_large"
    assert problem(b"x" * 2000, characters=1000) == "too_long"


def test_it_refuses_a_document_that_unpacks_without_end() -> None:
    assert problem(with_part(docx_bytes("x"), "word/document.xml", b" " * (41 * 1024 * 1024))) == "unpacks_too_large"


def test_it_refuses_a_pdf_with_hundreds_of_pages() -> None:
    assert problem(pdf_bytes("x", pages=301)) == "too_many_pages"


def test_the_kind_is_judged_by_content() -> None:
    assert [kind_of(sample) for sample in SAMPLES] == [Kind.DOCX, Kind.ODT, Kind.PDF, Kind.ARCHIVE]
    assert kind_of(b"PK is how this answer begins") is Kind.TEXT


def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_is_read() -> None:
    hurried = DocumentReader(seconds=0.0)
    with pytest.raises(Unreadable, match="too_slow"):
        hurried.read(Kind.PDF, pdf_bytes("x"))
    patient = DocumentReader()
    assert patient.read(Kind.PDF, pdf_bytes("x")).strip() == "x"
    patient.close()


def test_a_reading_process_that_died_is_replaced() -> None:
    reader = DocumentReader()
    assert reader.read(Kind.DOCX, docx_bytes("one")).strip() == "one"
    process = reader._process
    assert process is not None
    process.kill()
    process.wait()
    assert reader.read(Kind.DOCX, docx_bytes("two")).strip() == "two"
    reader.close()


def test_every_reason_has_words() -> None:
    assert all(reason_for(code) for code in [*UNREADABLE_WORDS, "a code of an older version"])


def reads_or_says_why(data: bytes) -> None:
    try:
        text = extract_text(data)
    except Unreadable as reason:
        assert reason.code in UNREADABLE_WORDS  # noqa: PT017
    else:
        assert text.strip()
        assert "\x00" not in text
        text.encode("utf-8")


@given(st.binary(max_size=400))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    reads_or_says_why(data)


@given(st.sampled_from(SAMPLES), st.data())
def test_no_damage_to_a_real_file_makes_it_fail(sample: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(sample) - 1))
    length = data.draw(st.integers(0, 40))
    reads_or_says_why(sample[:place] + data.draw(st.binary(max_size=20)) + sample[place + length :])
