"""Files made to do harm are read or refused in words, within seconds and little memory, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from courses.errors import UserError
from courses.extraction import Unreadable
from courses.models import Assignment, Course, Submission, UnmatchedFile
from courses.services import enrol_from_csv, submissions_from_files
from grading.services.imports import marked_answers_import
from tests.hardening.hostile import HOSTILE, HOSTILE_TABLES, word
from tests.hardening.measured import growth_of, reading_process
from tests.hardening.tally import FUZZ, TALLY

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MOST_MEGABYTES = 300
# These take seconds each and are tried in the long run alone.
LONG = {
    "docx of 18 MB of XML",
    "docx with 900,000 attributes",
    "odt that unpacks to 200 MB",
    "zip that lies about its size",
    "a row of 24 million cells",
    "one row of a million lists",
    "800,000 rows of JSON",
    "an emoji and 24 MB",
}


def tried(names: Iterable[str]) -> list[str]:
    return [name for name in names if FUZZ or name not in LONG]


def kept_files(media: Path) -> set[str]:
    return {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", tried(HOSTILE))
def test_a_hostile_file_is_read_or_refused_in_words(
    name: str, assignment: Assignment, teacher: User, student: User, scratch: Path, tmp_path: Path
) -> None:
    file = SimpleUploadedFile(f"{student.email} {name}.bin", HOSTILE[name]())

    def upload() -> None:
        try:
            submissions_from_files(assignment=assignment, by=teacher, files=[file])
        except UserError as error:
            assert error.message

    with TALLY.one(name, scratch):
        grown = growth_of(upload)
    assert grown < MOST_MEGABYTES
    assert reading_process() < MOST_MEGABYTES
    rows = {str(row.original) for model in (Submission, UnmatchedFile) for row in model.objects.all()}
    assert kept_files(tmp_path / "media") == rows
    for row in Submission.objects.all():
        assert "root:" not in row.text
        assert row.state == "ready" or row.unreadable_reason


@pytest.mark.parametrize("name", tried(HOSTILE_TABLES))
def test_a_hostile_table_is_read_or_refused_in_words(name: str, course: Course, teacher: User, scratch: Path) -> None:
    data = HOSTILE_TABLES[name]()

    def bring_in() -> None:
        for work in (
            lambda: enrol_from_csv(course=course, by=teacher, data=data),
            # Every row of it is a grade to be written: honest work, a millisecond each.
            lambda: marked_answers_import(course=course, by=teacher, name="t", data=data[:60_000], with_grades=True),
        ):
            try:
                work()
            except UserError as error:
                assert error.message

    with TALLY.one(name, scratch):
        assert growth_of(bring_in) < MOST_MEGABYTES


def test_where_one_file_was_given_up_no_other_document_of_the_upload_is_waited_for(
    assignment: Assignment, teacher: User, student: User, other_student: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def given_up(*_: object) -> str:
        raise Unreadable("too_slow")

    monkeypatch.setattr("courses.services.submissions.extract_text", given_up)
    files = [SimpleUploadedFile(f"{person.email}.docx", word(b"<x/>")) for person in (student, other_student)]
    files.append(SimpleUploadedFile("nobody.txt", b"An answer."))
    report = submissions_from_files(assignment=assignment, by=teacher, files=files)
    assert [row.unreadable_reason for row in report.unreadable] == ["too_slow"]
    assert [refused.name for refused in report.refused] == [f"{other_student.email}.docx"]
    assert len(report.unmatched) == 1


def test_a_name_that_turns_its_letters_around_is_kept_without_the_trick(assignment: Assignment, teacher: User) -> None:
    report = submissions_from_files(
        assignment=assignment, by=teacher, files=[SimpleUploadedFile("essay\u202etxt.exe\u200b", b"An answer.")]
    )
    assert report.unmatched[0].original_name == "essaytxt.exe"
