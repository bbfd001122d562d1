"""Tables that people bring: CSV with the usual delimiters and encodings, or JSONL. Bytes in, rows out, no ORM."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from courses.errors import FileTooLarge, MissingColumns, NotANumber, RowError, TableUnreadable, UnknownRole
from courses.extraction import NotText, clean_text, decode

MEGABYTE = 1024 * 1024
LARGEST_TABLE = 25 * MEGABYTE
MOST_ROWS = 20_000
# Blank lines count here: a file of nothing else should not take minutes.
MOST_LINES, MOST_BLANK = 100_000, 1000
LONGEST_CELL = 1_000_000
# A row of JSON becomes many times its length in memory when it is read.
LONGEST_ROW, USUAL_ROW = 2_000_000, 50_000
_BLANK = re.compile(r"[ \t\r\n]*")
_ROW = re.compile(r"[^\n]*\n|[^\n]+\Z")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
DELIMITERS = ";,\t|"

# Other names that a column goes by, in English and German; compared without case, accents and punctuation.
_EMAIL = "email, e-mail, mail, email address, e-mail-adresse, emailadresse, mailadresse"
_NAME = {
    "name": "name, full name, student name, vollständiger name",
    "first_name": "first name, firstname, given name, vorname",
    "last_name": "last name, lastname, surname, family name, nachname, familienname",
}
ENROLMENT_COLUMNS = {
    "email": _EMAIL + ", username, sis login id",  # the last as Canvas names it
    **_NAME,
    "name": _NAME["name"] + ", student",
    "role": "role, rolle",
}
ANSWER_COLUMNS = {
    "student": "student, studierende, studierender, schüler, schülerin, username, benutzername, " + _EMAIL,
    **_NAME,
    "answer": "answer, student answer, response, text, antwort, lösung, antworttext",
}
MARKED_COLUMNS = {
    **ANSWER_COLUMNS,
    "id": "id, row id, answer id",
    "question_id": "question id, frage id, fragen id, aufgabe id",
    "question": "question, frage, aufgabe, prompt",
    "title": "title, titel",
    "reference_answer": "reference answer, reference, model answer, musterlösung, musterantwort, referenzantwort",
    "rubric": "rubric, bewertungsschema, erwartungshorizont",
    "instructions": "instructions, marking instructions, bewertungshinweise",
    "criteria": "criteria, kriterien",
    "score": "score, points, grade, mark, punkte, bewertung",
    "min_score": "min score, min points, minimum",
    "max_score": "max score, max points, maximum, maximale punkte, max punkte, maximalpunkte",
    "step": "step, point step, schritt",
    "feedback": "feedback, comment, kommentar, rückmeldung",
    "language": "language, sprache",
}
ROLE_NAMES = {
    "teacher": "teacher, lecturer, lehrer, lehrerin, lehrkraft, dozent, dozentin, lehrende, lehrender",
    "assistant": "assistant, tutor, tutorin, assistent, assistentin, hilfskraft",
    "student": "student, learner, studentin, studierende, studierender, schüler, schülerin, teilnehmer",
}


@dataclass(frozen=True)
class TableRow:
    """One row: its number as a spreadsheet shows it, and its values by the canonical names of the columns."""

    number: int
    values: Mapping[str, Any]

    def text(self, column: str) -> str:
        """The cell as clean text; empty where the row has none."""
        value = self.values.get(column)
        if value is None:
            return ""
        return clean_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))

    def number_in(self, column: str) -> Decimal | None:
        """The cell as a number, with a point or a comma; None where it is empty.

        Raises:
            NotANumber
        """
        written = self.text(column).strip()
        if not written:
            return None
        try:
            number = Decimal(written.replace(",", ".") if "." not in written else written)
        except InvalidOperation as error:
            raise NotANumber(column=column, value=written[:40]) from error
        if not number.is_finite() or abs(number) > 1_000_000:
            raise NotANumber(column=column, value=written[:40])
        return number

    def name(self) -> str:
        """The person's name as “Last, First” or as it stands in a column of its own."""
        if self.text("last_name").strip():
            return f"{self.text('last_name')}, {self.text('first_name')}"
        return self.text("name").strip() or self.text("first_name").strip()


@dataclass
class Table:
    rows: list[TableRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read_table(data: bytes, columns: Mapping[str, str], *, required: Sequence[str]) -> Table:
    """Every row that can be read, and what is wrong with the others.

    Raises:
        FileTooLarge, TableUnreadable, MissingColumns: nothing of the file can be used.
    """
    if len(data) > LARGEST_TABLE:
        raise FileTooLarge(limit=LARGEST_TABLE // MEGABYTE)
    text = _decoded(data)
    table = Table()
    is_json = text.lstrip()[:1] in ("{", "[")
    records = _json_records(text, table.errors) if is_json else _csv_records(text, columns, required, table.errors)
    wanted = _names(columns)
    for number, record in records:
        if len(table.rows) + len(table.errors) >= MOST_ROWS:
            message = _("The table has more than %(limit)d rows; this one and all after it were left out.")
            table.errors.append(RowError(number, message % {"limit": MOST_ROWS}))
            break
        values = _canonical(record, wanted)
        missing = [name for name in required if name not in values]
        if missing:
            table.errors.append(RowError(number, _("“%(column)s” is missing.") % {"column": missing[0]}))
        else:
            table.rows.append(TableRow(number, values))
    if not table.rows and not table.errors:
        raise TableUnreadable(reason=_("it has no rows."))
    return table


def role_named(word: str) -> str:
    """The role that a person's word for it means; a blank means student.

    Raises:
        UnknownRole
    """
    plain = _plain(word)
    for role, names in ROLE_NAMES.items():
        if plain in {_plain(name) for name in names.split(",")}:
            return role
    if plain:
        raise UnknownRole(role=word.strip()[:40])
    return "student"


def _decoded(data: bytes) -> str:
    if not data.strip():
        raise TableUnreadable(reason=_("it is empty."))
    if data.startswith(b"PK"):
        raise TableUnreadable(reason=_("it is a spreadsheet or an archive. Please save the sheet as CSV."))
    try:
        return decode(data)
    except NotText as error:
        raise TableUnreadable(reason=_("it is not text. Please save it as CSV or JSONL.")) from error


def _json_records(text: str, errors: list[RowError]) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    if text.lstrip().startswith("["):
        entries: Iterable[tuple[int, str | Any]] = _json_list(text, errors)
    else:
        # Only line feeds end a row: str.splitlines would also split at separators that may stand inside an answer.
        every = enumerate((found[0] for found in _ROW.finditer(text)), 1)
        lines = ((number, line) for number, line in islice(every, MOST_LINES) if line.strip())
        entries = ((number, _json(line, number, errors)) for number, line in lines)
    for number, entry in entries:
        # Whoever reads the rows stops at too many, but sees only those that are objects.
        if isinstance(entry, dict) or len(errors) >= MOST_ROWS:
            yield number, entry if isinstance(entry, dict) else {}
        elif entry is not None:
            errors.append(RowError(number, _("This row is not a JSON object.")))


def _json_list(text: str, errors: list[RowError]) -> Iterator[tuple[int, Any]]:
    """The entries of a JSON list one by one: read as a whole, a few megabytes of it could fill the memory."""
    place, number, ends = text.index("[") + 1, 0, ","
    while ends == ",":
        number += 1
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
        if number == 1 and text[place : place + 1] == "]":
            return
        entry, place = _json_entry(text, place)
        if place < 0:
            errors.append(RowError(number, _("This row is not readable JSON.")))
            return
        yield number, entry
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
        ends, place = text[place : place + 1], place + 1
    if ends != "]":
        errors.append(RowError(number, _("This row is not readable JSON.")))


def _json_entry(text: str, place: int) -> tuple[Any, int]:
    """The value that begins here and the place behind it, or -1."""
    for most in (USUAL_ROW, LONGEST_ROW):
        try:
            entry, length = json.JSONDecoder().raw_decode(text[place : place + most])
        except (ValueError, RecursionError):
            continue
        return entry, place + length
    return None, -1


def _json(text: str, number: int, errors: list[RowError]) -> Any:
    try:
        if len(text) > LONGEST_ROW:
            raise ValueError("too long")
        return json.loads(text)
    except (ValueError, RecursionError):
        errors.append(RowError(number, _("This row is not readable JSON.")))
        return None


def _csv_records(
    text: str, columns: Mapping[str, str], required: Sequence[str], errors: list[RowError]
) -> Iterator[tuple[int, Mapping[Any, Any]]]:
    csv.field_size_limit(LONGEST_CELL)
    header, rows, number = _header(text, columns)
    known = _canonical(dict.fromkeys(header), _names(columns))
    missing = [column for column in required if column not in known]
    if missing:
        raise MissingColumns(column=missing[0], found=", ".join(cell.strip()[:30] for cell in header[:12]) or "-")
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error:
            message = _("A quotation mark is not closed, or a cell is too long. Nothing after this row could be read.")
            errors.append(RowError(number, message))
            return
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            errors.append(RowError(number, _("This row has more cells than the table has columns.")))
            continue
        yield number, dict(zip(header, cells, strict=False))


def _header(text: str, columns: Mapping[str, str]) -> tuple[list[str], Iterator[list[str]], int]:
    """The names of the columns, a reader behind them, and the number of rows read; the delimiter is the one that
    finds the most columns that we know."""
    named, skipped = (text.partition("\n")[2], 1) if text[:4].lower() == "sep=" else (text, 0)
    wanted = _names(columns)

    def read_with(delimiter: str) -> tuple[list[str], Iterator[list[str]], int]:
        rows = _rows(named, delimiter)
        header, number = _first_record(rows)
        return header, rows, number + skipped

    # max keeps the first of equals, so that a table with one column is read with the first delimiter.
    return max(map(read_with, DELIMITERS), key=lambda read: len(_canonical(dict.fromkeys(read[0]), wanted)))


class _Lines:
    """Line by line with their ends, as a file gives them, without a second copy of what may be a very long text.

    `record` counts the characters since whoever reads it set it to 0: a row of a million cells is there to do harm.
    """

    def __init__(self, text: str) -> None:
        self._found = _LINE.finditer(text)
        self.record = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._found)[0]
        self.record += len(line)
        if self.record > LONGEST_ROW:
            raise csv.Error("a row is too long")
        return line


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    lines = _Lines(text)
    for cells in islice(csv.reader(lines, delimiter=delimiter, strict=True), MOST_LINES):
        lines.record = 0
        yield cells


def _first_record(rows: Iterator[list[str]]) -> tuple[list[str], int]:
    number = 0
    try:
        for number, cells in enumerate(islice(rows, MOST_BLANK), 1):
            if any(cell.strip() for cell in cells):
                return cells, number
    except csv.Error:
        pass
    return [], number


def _names(columns: Mapping[str, str]) -> dict[str, list[str]]:
    return {column: [_plain(name) for name in names.split(",")] for column, names in columns.items()}


def _canonical(record: Mapping[Any, Any], wanted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The values under our own names; where two columns could be meant, the name that stands first in the list wins."""
    by_plain: dict[str, Any] = {}
    for name, value in record.items():
        by_plain.setdefault(_plain(str(name)), value)
    found = {}
    for column, names in wanted.items():
        known = next((name for name in names if name in by_plain), None)
        if known is not None:
            found[column] = by_plain[known]
    return found


def _plain(name: str) -> str:
    """A name without case, accents, blanks and punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())
