"""Tables in every shape that spreadsheets write."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.errors import FileTooLarge, MissingColumns, NotANumber, TableUnreadable, UnknownRole, UserError
from courses.tables import ANSWER_COLUMNS, ENROLMENT_COLUMNS, MARKED_COLUMNS, TableRow, read_table, role_named


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_it_reads_every_delimiter_and_encoding(delimiter: str, encoding: str) -> None:
    text = "\r\n".join(delimiter.join(cells) for cells in [["E-Mail", "Nachname"], ["a@example.org", "Müßig"]])
    table = read_table(text.encode(encoding), ENROLMENT_COLUMNS, required=("email",))
    assert [(row.number, row.text("email"), row.text("last_name")) for row in table.rows] == [
        (2, "a@example.org", "Müßig")
    ]


def test_it_reads_cells_with_delimiters_breaks_and_quotes_in_them() -> None:
    data = b'sep=;\nstudent;Antwort\na@b.org;"one; ""two""\nthree"\n\nc@d.org;four\n'
    table = read_table(data, ANSWER_COLUMNS, required=("answer",))
    assert [(row.number, row.text("answer")) for row in table.rows] == [(3, 'one; "two"\nthree'), (5, "four")]


def test_it_reads_lines_of_json_and_names_those_that_are_none() -> None:
    lines = [json.dumps({"Student": "a", "answer": "x\u2028y"}), "{", '"text"', json.dumps({"student": "b"})]
    table = read_table("\n".join(lines).encode(), ANSWER_COLUMNS, required=("answer",))
    assert [row.text("answer") for row in table.rows] == ["x\ny"]
    assert [error.row for error in table.errors] == [2, 3, 4]


def test_it_keeps_good_rows_before_a_quote_that_never_closes() -> None:
    table = read_table(b'email,name\na@b.org,A\nc@d.org,"C\n', ENROLMENT_COLUMNS, required=("email",))
    assert [row.text("email") for row in table.rows] == ["a@b.org"]
    assert [error.row for error in table.errors] == [3]


def test_it_names_rows_with_too_many_cells() -> None:
    table = read_table(
        b"email,role\na@b.org,student,extra\nc@d.org,student,,\n", ENROLMENT_COLUMNS, required=("email",)
    )
    assert [error.row for error in table.errors] == [2]
    assert [row.number for row in table.rows] == [3]


def test_it_keeps_an_answer_of_fifty_thousand_characters() -> None:
    data = ('student,answer\na,"' + "word " * 10_000 + '"\n').encode()
    assert len(read_table(data, ANSWER_COLUMNS, required=("answer",)).rows[0].text("answer")) == 49_999


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", TableUnreadable),
        (b"   \n ", TableUnreadable),
        (b"PK\x03\x04 a spreadsheet", TableUnreadable),
        (bytes(range(256)) * 4, TableUnreadable),
        (b"first,second\n1,2\n", MissingColumns),
        (b"email,answer\n", TableUnreadable),
        (b"x" * (51 * 1024 * 1024), FileTooLarge),
    ],
)
def test_it_refuses_what_is_no_table(data: bytes, error: type[UserError]) -> None:
    with pytest.raises(error) as caught:
        read_table(data, ANSWER_COLUMNS, required=("answer",))
    assert caught.value.message


@pytest.mark.parametrize(("written", "number"), [("2.5", "2.5"), ("2,5", "2.5"), (2.5, "2.5"), (1, "1"), (" 3 ", "3")])
def test_it_reads_numbers_as_people_write_them(written: object, number: str) -> None:
    assert TableRow(1, {"score": written}).number_in("score") == Decimal(number)


@pytest.mark.parametrize("written", ["two", "1e99", "nan", "Infinity", True, [1]])
def test_it_refuses_numbers_that_are_none(written: object) -> None:
    with pytest.raises(NotANumber, match="score"):
        TableRow(1, {"score": written}).number_in("score")


def test_roles_go_by_their_german_names_too() -> None:
    assert [role_named(word) for word in ("", "Student", "SCHÜLERIN", "Lehrer", " tutor ")] == [
        "student",
        "student",
        "student",
        "teacher",
        "assistant",
    ]
    with pytest.raises(UnknownRole):
        role_named("admin")


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: b'email,name\n"' + text.encode())))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    try:
        table = read_table(data, MARKED_COLUMNS, required=("student",))
    except UserError as error:
        assert error.message  # noqa: PT017
    else:
        assert table.rows or table.errors
