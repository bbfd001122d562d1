"""Files of Moodle and Canvas: what is no mark comes back as it was."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.errors import UserError
from courses.gradebooks import Mark, NoGradebook, NoSuchColumn, gradebook_filled, gradebook_read

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Feedback comments\r\n"
    'Participant 7,"Brandt, Ada",ada@example.org,"Submitted, late",,4.00,Yes,\r\n'
    "Participant 8,Bilal Chaudhry,bilal@example.org,,,4.00,Yes,\r\n"
)
CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,The sky (81),Essay (82),Current Score\r\n"
    "    Points Possible,,,,,4.0,10.0,(read only)\r\n"
    '"Brandt, Ada",501,s1,ada@example.org,P1,,7,70\r\n'
)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def read(text: str, title: str = "The sky", column: str = "", encoding: str = "utf-8"):  # type: ignore[no-untyped-def]
    return gradebook_read(text.encode(encoding), title=title, column=column)


def test_a_worksheet_of_moodle_takes_points_and_feedback() -> None:
    book = read(MOODLE)
    assert [row.number for row in book.people()] == [2, 3]
    filled = gradebook_filled(book, {2: Mark(Decimal("3.5"), 'Good, "Ada".')}).decode()
    lines = list(csv.reader(io.StringIO(filled)))
    assert lines[1] == [
        "Participant 7",
        "Brandt, Ada",
        "ada@example.org",
        "Submitted, late",
        "3.50",
        "4.00",
        "Yes",
        'Good, "Ada".',
    ]
    assert filled.endswith(MOODLE.splitlines(keepends=True)[2])


def test_a_gradebook_of_canvas_takes_points_in_the_column_of_the_assignment() -> None:
    book = read(CANVAS)
    assert [row.number for row in book.people()] == [3]
    filled = gradebook_filled(book, {3: Mark(Decimal(3), "not for Canvas")}).decode()
    assert filled == CANVAS.replace("P1,,7", "P1,3.00,7")


def test_another_column_can_be_named() -> None:
    filled = gradebook_filled(read(CANVAS, column="Essay"), {3: Mark(Decimal(9))}).decode()
    assert filled == CANVAS.replace("P1,,7", "P1,,9.00")
    with pytest.raises(NoSuchColumn):
        read(CANVAS, title="Nothing of the kind")


def test_a_german_worksheet_gets_its_decimal_comma() -> None:
    text = "\ufeffID;Vollständiger Name;E-Mail-Adresse;Bewertung;Bestwertung\n7;Ada Brandt;ada@example.org;;4,00\n"
    filled = gradebook_filled(read(text), {2: Mark(Decimal("3.5"))}).decode()
    assert filled == text.replace(";;4,00", ";3,50;4,00")


def test_an_old_encoding_is_kept_where_it_has_the_letters() -> None:
    book = gradebook_read(MOODLE.replace("Ada", "Ädä").encode("cp1252"), title="")
    assert "Ädä" in gradebook_filled(book, {3: Mark(Decimal(1), "Gut für Sie")}).decode("cp1252")
    assert "漢" in gradebook_filled(book, {3: Mark(Decimal(1), "漢")}).decode("utf-8-sig")


@pytest.mark.parametrize("data", [b"", b"\n", b"a,b\n1,2\n", b"\x00\x01", b"PK\x03\x04", '"open'.encode("utf-16")])
def test_what_is_no_gradebook_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(UserError) as refused:
        gradebook_read(data, title="The sky")
    assert refused.value.message


def test_a_table_of_another_kind_is_no_gradebook() -> None:
    with pytest.raises(NoGradebook):
        read("name,email\nAda,ada@example.org\n")


@given(
    rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    points=st.decimals(0, 99, places=2),
    feedback=cells,
    pick=st.data(),
)
def test_only_the_marks_change(  # type: ignore[no-untyped-def]
    rows, delimiter, end, encoding, quoting, points, feedback, pick
) -> None:
    text = ""
    head = ["Extra", "Full name", "Email address", "Grade", "Feedback comments", "Last"]
    for line in [head, *([extra, name, "a@example.org", "", "old", last] for extra, name, last in rows)]:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=quoting).writerow(line)
        text += out.getvalue().removesuffix("\r\n") + end
    data = text.encode(encoding)
    book = gradebook_read(data, title="")
    assert gradebook_filled(book, {}) == data
    row = pick.draw(st.sampled_from(list(book.people())))
    again = gradebook_read(gradebook_filled(book, {row.number: Mark(points, feedback)}), title="")
    for before, after in zip(book.rows, again.rows, strict=True):
        if before.number == row.number:
            kept = [*before.cells]
            kept[3] = f"{points:.2f}"
            kept[4] = feedback or "old"
            assert list(after.cells) == kept
        else:
            assert after.raw == before.raw


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: (MOODLE + text).encode("utf-8", "replace")))
def test_nothing_that_is_uploaded_breaks_the_reader(data: bytes) -> None:
    try:
        book = gradebook_read(data, title="The sky")
    except UserError:
        return
    assert gradebook_filled(book, {}) == data
