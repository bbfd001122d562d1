"""The CSV files with which Moodle and Canvas exchange marks: read, and given back with marks in their cells. Bytes in,
bytes out, no ORM. What is not a mark stays as it was: a row without a new mark keeps every byte."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from courses.errors import FileTooLarge, TableUnreadable, UserError
from courses.tables import DELIMITERS, LARGEST_TABLE, LONGEST_CELL, MEGABYTE, MOST_ROWS

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_CANVAS_ID = re.compile(r"(?<!\s)\s*+\(\d++\)\s*+$")  # “Essay (1234)”
# Moodle's grading worksheet and its gradebook, in English and German.
MOODLE = {
    "email": ("email address", "e-mail-adresse"),
    "name": ("full name", "vollständiger name"),
    "first": ("first name", "vorname"),
    "last": ("last name", "surname", "nachname"),
    "grade": ("grade", "bewertung"),
    "maximum": ("maximum grade", "bestwertung"),
    "feedback": ("feedback comments", "feedback als kommentar"),
}
CANVAS = {"name": ("student",), "email": ("sis login id",), "other": ("sis user id",)}
POINTS_POSSIBLE = "points possible"
# Rows above the students that Canvas writes for itself.
CANVAS_ROWS = ("manual posting", POINTS_POSSIBLE)


class NoGradebook(UserError):
    code = "no_gradebook"
    words = gettext_lazy(
        "This is neither a grading worksheet of Moodle (columns Email address and Grade) nor a gradebook of Canvas "
        "(columns Student and SIS Login ID)."
    )


class NoSuchColumn(UserError):
    code = "no_such_column"
    words = gettext_lazy("The file has no column “%(column)s”. It has: %(found)s.")


class OtherMaximum(UserError):
    code = "other_maximum"
    words = gettext_lazy("The file says at most %(theirs)s points, this assignment %(ours)s.")


@dataclass(frozen=True)
class Mark:
    points: Decimal
    feedback: str = ""


@dataclass(frozen=True)
class Row:
    """One line of the file: as it was written, as cells, and numbered as a spreadsheet does."""

    number: int
    raw: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Gradebook:
    """A file as it was read. `columns` are the places of what is known, `grade` that of the marks."""

    layout: str  # moodle or canvas
    encoding: str
    delimiter: str
    rows: tuple[Row, ...]
    columns: Mapping[str, int]
    grade: int

    def people(self) -> Iterator[Row]:
        """The rows that are a student's."""
        for row in self.rows[1:]:
            mine = self.cell(row, "name").strip().lower() in CANVAS_ROWS if self.layout == "canvas" else False
            if any(cell.strip() for cell in row.cells) and not mine:
                yield row

    def cell(self, row: Row, column: str) -> str:
        place = self.columns.get(column, -1)
        return row.cells[place] if 0 <= place < len(row.cells) else ""

    def who(self, row: Row) -> tuple[str, ...]:
        """How the row names its student, what is surest first. Where there is an address, nothing else is asked: a
        name-sake of the one whom it means must not get the mark."""
        named = self.cell(row, "name") or f"{self.cell(row, 'last')}, {self.cell(row, 'first')}".strip(" ,")
        found = (self.cell(row, "email"), self.cell(row, "other"), named)
        given = tuple(each.strip() for each in found if each.strip())
        return tuple(each for each in given[:2] if "@" in each) or given

    def maximum(self, row: Row) -> str:
        """The maximum as the file says it, for this row or for the column; empty where it says none."""
        if self.layout == "moodle":
            return self.cell(row, "maximum").strip()
        found = (each for each in self.rows[1:4] if self.cell(each, "name").strip().lower() == POINTS_POSSIBLE)
        return next((each.cells[self.grade].strip() for each in found if self.grade < len(each.cells)), "")


def gradebook_read(data: bytes, *, title: str, column: str = "") -> Gradebook:
    """The file; in one of Canvas the marks stand under `column`, or else under the assignment's `title`.

    Raises:
        FileTooLarge, TableUnreadable, NoGradebook, NoSuchColumn
    """
    if len(data) > LARGEST_TABLE:
        raise FileTooLarge(limit=LARGEST_TABLE // MEGABYTE)
    text, encoding = _decoded(data)
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows = tuple(_rows(text, delimiter))
    head = [cell.strip().lower() for cell in rows[0].cells] if rows else []
    canvas, moodle = _places(head, CANVAS), _places(head, MOODLE)
    if {"name", "email"} <= set(canvas):
        grade = _canvas_column(rows[0].cells, title, column)
        return Gradebook("canvas", encoding, delimiter, rows, canvas, grade)
    if {"email", "grade"} <= set(moodle):
        return Gradebook("moodle", encoding, delimiter, rows, moodle, moodle["grade"])
    raise NoGradebook


def gradebook_filled(book: Gradebook, marks: Mapping[int, Mark]) -> bytes:
    """The file with these marks, by the number of the row."""
    text = "".join(_with_mark(book, row, marks[row.number]) if row.number in marks else row.raw for row in book.rows)
    try:
        return text.encode(book.encoding)
    except UnicodeEncodeError:  # feedback with a letter that the file's old encoding lacks
        return text.encode("utf-8-sig")


def check_maximum(book: Gradebook, row: Row, ours: Decimal) -> None:
    """
    Raises:
        OtherMaximum: the marks would mean something else there.
    """
    theirs = book.maximum(row)
    try:
        same = not theirs or Decimal(theirs.replace(",", ".")) == ours
    except InvalidOperation:
        same = False
    if not same:
        raise OtherMaximum(theirs=theirs[:20], ours=f"{ours.normalize():f}")


def _with_mark(book: Gradebook, row: Row, mark: Mark) -> str:
    cells = list(row.cells)
    changes = {book.grade: _number(mark.points, comma="," in book.maximum(row))}
    if mark.feedback and "feedback" in book.columns:
        changes[book.columns["feedback"]] = mark.feedback
    cells += [""] * (max(changes) + 1 - len(cells))
    for place, value in changes.items():
        cells[place] = value
    end = row.raw[len(row.raw.rstrip("\r\n")) :]
    out = io.StringIO()
    # With this terminator the writer quotes cells with breaks of either kind.
    csv.writer(out, delimiter=book.delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + end


def _number(points: Decimal, *, comma: bool) -> str:
    plain = f"{points:.2f}"
    return plain.replace(".", ",") if comma else plain


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        names = ["utf-16"]
    else:
        names = ["utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8", "cp1252"]
    for name in names:
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, name
    raise TableUnreadable(reason=_("it is not text. Please save it as CSV or JSONL."))


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    """Row by row with the text of each, which may go over several lines."""
    lines = [found[0] for found in _LINE.finditer(text)]
    csv.field_size_limit(LONGEST_CELL)
    reader, begun = csv.reader(iter(lines), delimiter=delimiter, strict=True), 0
    try:
        for number, cells in enumerate(reader, 1):
            if number > MOST_ROWS:
                raise TableUnreadable(reason=_("it has too many rows."))
            yield Row(number, "".join(lines[begun : reader.line_num]), tuple(cells))
            begun = reader.line_num
    except csv.Error as error:
        raise TableUnreadable(reason=_("a quotation mark is not closed, or a cell is too long.")) from error


def _places(head: list[str], known: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    return {name: head.index(word) for name, words in known.items() for word in words if word in head}


def _canvas_column(cells: tuple[str, ...], title: str, column: str) -> int:
    wanted = (column or title).strip().lower()
    for plain in (str.strip, lambda cell: _CANVAS_ID.sub("", cell).strip()):
        found = [place for place, cell in enumerate(cells) if plain(cell).lower() == wanted]
        if len(found) == 1 and cells[found[0]].strip().lower() not in ("student", "id", "section"):
            return found[0]
    raise NoSuchColumn(column=(column or title)[:80], found=", ".join(cell.strip()[:30] for cell in cells[:20]))
