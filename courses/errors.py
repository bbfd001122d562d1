"""What can go wrong through no fault of the program, in words for the person who meets it."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class UserError(Exception):
    """Something that the person at the page can mend. `code` is for the program, `message` for the person."""

    code = "invalid"
    words: str | Promise = _("That did not work.")

    def __init__(self, **details: Any) -> None:
        super().__init__(self.code)
        self.details = details

    @property
    def message(self) -> str:
        return str(self.words) % self.details

    def __str__(self) -> str:
        return self.message


class RowError(NamedTuple):
    """What is wrong with one row of a table, numbered as a spreadsheet numbers it; row 0 is the table as a whole."""

    row: int
    message: str


class Refused(NamedTuple):
    """A file of an upload that was not taken, or something to know about it."""

    name: str
    message: str


class InvalidFields(UserError):
    """One or more fields do not fit; `fields` maps their names to messages, as a form shows them."""

    code = "invalid_fields"

    def __init__(self, error: ValidationError) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = (
            error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        )

    @property
    def message(self) -> str:
        return " ".join(text for texts in self.fields.values() for text in texts)


class InvalidEmail(UserError):
    code = "invalid_email"
    words = _("“%(email)s” is not an e-mail address.")


class UnknownRole(UserError):
    code = "unknown_role"
    words = _("“%(role)s” is not a role; use teacher, assistant or student.")


class LastTeacher(UserError):
    code = "last_teacher"
    words = _("A course needs at least one teacher, and this is the last one.")


class NotAStudent(UserError):
    code = "not_a_student"
    words = _("%(name)s is not a student of this course.")


class IsCourseStaff(UserError):
    code = "is_course_staff"
    words = _("%(email)s teaches in this course and cannot hand in answers to it.")


class NothingSubmitted(UserError):
    code = "nothing_submitted"
    words = _("Type an answer or choose a file.")


class SubmittedMeanwhile(UserError):
    code = "submitted_meanwhile"
    words = _("Another answer arrived at the same moment. Please look at it and hand in again if it is wrong.")


class AnswerTooLong(UserError):
    code = "answer_too_long"
    words = _("The answer has %(length)d characters; at most %(limit)d can be taken.")


class HandedInTooOften(UserError):
    code = "handed_in_too_often"
    words = _("You handed in %(limit)d times within a day, which is as often as it goes. Please try again tomorrow.")


class NoRoomForFiles(UserError):
    code = "no_room_for_files"
    words = _("The file was not kept: this site has no room left for files. Please tell your school, and try later.")


class FileGone(UserError):
    code = "file_gone"
    words = _("The file was assigned or discarded in the meantime.")


class FileTooLarge(UserError):
    code = "file_too_large"
    words = _("The file is larger than %(limit)s MB.")


class TooManyFiles(UserError):
    code = "too_many_files"
    words = _("At most %(limit)d files can be taken at once.")


class UnpacksTooLarge(UserError):
    code = "unpacks_too_large"
    words = _("Unpacked, the archive is larger than %(limit)s MB.")


class BrokenArchive(UserError):
    code = "broken_archive"
    words = _("The archive is damaged and cannot be unpacked.")


class EmptyArchive(UserError):
    code = "empty_archive"
    words = _("The archive has no files in it.")


class RubricDoesNotAddUp(UserError):
    code = "rubric_does_not_add_up"
    words = _("The criteria add up to %(total)s points, but the assignment has %(maximum)s.")


class PointsOffStep(UserError):
    code = "points_off_step"
    words = _("%(points)s points (%(where)s) are not a multiple of %(step)s.")


class LevelOutOfRange(UserError):
    code = "level_out_of_range"
    words = _("A level of “%(title)s” has %(points)s points; it must lie between 0 and %(maximum)s.")


class UnknownCriterion(UserError):
    code = "unknown_criterion"
    words = _("One of the criteria was removed in the meantime. Please reload the page.")


class TableUnreadable(UserError):
    code = "table_unreadable"
    words = _("The file cannot be read as a table: %(reason)s")


class MissingColumns(UserError):
    code = "missing_columns"
    words = _("The table has no column “%(column)s”. It has: %(found)s.")


class NotANumber(UserError):
    code = "not_a_number"
    words = _("“%(value)s” (%(column)s) is not a number.")


class ImportedDifferently(UserError):
    code = "imported_differently"
    words = _("“%(row)s” has another answer here already; it was left as it is.")


class PointsOutOfRange(UserError):
    code = "points_out_of_range"
    words = _("%(points)s points lie outside %(minimum)s to %(maximum)s.")


class QuestionsDiffer(UserError):
    code = "questions_differ"
    words = _("This row has another %(column)s than the first row of the same question.")


# Why a file became UNREADABLE: the code is kept on the row, the words are looked up when the page is shown.
UNREADABLE_WORDS: dict[str, str | Promise] = {
    "empty": _("The file is empty."),
    "no_text": _("The document has no text in it."),
    "scan": _("The PDF has no text layer: it is probably a scan or a photograph."),
    "encrypted": _("The file is protected with a password."),
    "broken": _("The file is damaged or incomplete."),
    "unknown_type": _("The file is none of: plain text, Markdown, Word (.docx), OpenDocument (.odt), PDF with text."),
    "old_office": _("The file is in an old Office format or protected by a password. Please save it as .docx or PDF."),
    "too_large": _("The file is too large."),
    "too_long": _("The text is too long to be taken as one answer."),
    "too_many_pages": _("The PDF has too many pages to be taken as one answer."),
    "unpacks_too_large": _("The document unpacks to far more than an answer could be."),
    "too_slow": _("The file took too long to read."),
    "upload_too_slow": _("Reading this upload took too long. Please upload this file again by itself."),
    "nested_archive": _("An archive inside an archive is not unpacked."),
    "archive": _("An archive cannot be handed in as one answer. Please hand in the document itself."),
}


def reason_for(code: str) -> str:
    """The words for why a file could not be read."""
    return str(UNREADABLE_WORDS.get(code, _("The file cannot be read.")))
