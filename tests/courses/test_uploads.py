"""Many files at once: each to its student, none lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from courses.errors import FileGone, TooManyFiles
from courses.models import Assignment, Submission, SubmissionState, UnmatchedFile
from courses.services import submissions_from_files, unmatched_file_assign, unmatched_file_discard
from courses.services.uploads import UploadReport
from tests.courses.files import docx_bytes, locked_pdf_bytes, zip_bytes


@pytest.fixture
def upload(assignment: Assignment, teacher: User, student: User, other_student: User) -> Any:
    def take(files: dict[str, bytes]) -> UploadReport:
        uploads = [SimpleUploadedFile(name, data) for name, data in files.items()]
        return submissions_from_files(assignment=assignment, by=teacher, files=uploads)

    return take


def test_each_file_goes_to_the_student_whom_it_names(upload: Any, student: User, other_student: User) -> None:
    report = upload({"Ada Brandt.docx": docx_bytes("Ada's"), "chaudhry_bilal.txt": b"Bilal's", "notes.txt": b"Whose?"})
    assert {(row.student, row.text) for row in report.created} == {(student, "Ada's"), (other_student, "Bilal's")}
    assert [row.original_name for row in report.unmatched] == ["notes.txt"]
    assert report.unmatched[0].original.read() == b"Whose?"


def test_an_archive_is_taken_file_by_file(upload: Any) -> None:
    files = {
        "ada@example.org/essay.docx": docx_bytes("Ada's"),
        "bilal chaudhry.pdf": locked_pdf_bytes("x", "secret"),
        "__MACOSX/._x": b"litter",
        "other.txt": b"Whose?",
        "inner.zip": zip_bytes({"a.txt": b"x"}),
    }
    report = upload({"all.zip": zip_bytes(files)})
    assert [row.text for row in report.created] == ["Ada's"]
    assert [row.unreadable_reason for row in report.unreadable] == ["encrypted"]
    assert [row.original_name for row in report.unmatched] == ["other.txt"]
    assert [refused.name for refused in report.refused] == ["inner.zip"]


def test_a_second_file_of_one_student_waits_to_be_assigned(upload: Any) -> None:
    report = upload({"ada brandt 1.txt": b"first", "ada brandt 2.txt": b"second"})
    assert [row.text for row in report.created] == ["first"]
    assert [row.original_name for row in report.unmatched] == ["ada brandt 2.txt"]
    assert "ada brandt 1.txt" in report.notes[0].message


def test_the_same_upload_again_changes_nothing(upload: Any) -> None:
    files = {"ada brandt.txt": b"mine", "chaudhry bilal.pdf": b"%PDF-1.4 torn", "notes.txt": b"Whose?"}
    upload(files)
    report = upload({"all.zip": zip_bytes(files)})
    assert (report.created, report.unreadable, report.unchanged) == ([], [], ["ada brandt.txt", "chaudhry bilal.pdf"])
    assert (Submission.objects.count(), UnmatchedFile.objects.count()) == (2, 1)


def test_it_says_which_files_it_refuses_and_takes_the_others(upload: Any, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    settings.MAX_UNPACKED_BYTES = 5000
    settings.MAX_UPLOAD_FILES = 3
    bomb = zip_bytes({f"{number}.txt": b"0" * 3000 for number in range(3)})
    many = zip_bytes({f"{number}.txt": b"0" for number in range(4)})
    upload({"bomb.zip": bomb, "many.zip": many, "broken.zip": bomb[:-30]})
    report = upload({"bomb.zip": bomb, "many.zip": many, "ada brandt.txt": b"mine"})
    assert [refused.name for refused in report.refused] == ["bomb.zip", "many.zip"]
    assert all(refused.message for refused in report.refused)
    assert len(report.created) == 1
    report = upload({"large.txt": b"0" * 1001, "empty.zip": zip_bytes({})})
    assert [refused.name for refused in report.refused] == ["large.txt", "empty.zip"]


def test_it_refuses_too_many_files_at_once(upload: Any, settings: Any) -> None:
    settings.MAX_UPLOAD_FILES = 2
    with pytest.raises(TooManyFiles):
        upload({f"{number}.txt": b"x" for number in range(3)})


def test_a_waiting_file_is_assigned_by_a_click(
    upload: Any, student: User, teacher: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    file = upload({"notes.txt": b"Mine"}).unmatched[0]
    with django_capture_on_commit_callbacks(execute=True):
        row = unmatched_file_assign(file=file, student=student, by=teacher)
    assert (row.state, row.text, row.original_name) == (SubmissionState.READY, "Mine", "notes.txt")
    assert row.original.read() == b"Mine"
    assert len([path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]) == 1
    with pytest.raises(FileGone):
        unmatched_file_assign(file=file, student=student, by=teacher)


def test_a_discarded_file_is_gone(upload: Any, teacher: User, django_capture_on_commit_callbacks: Any) -> None:
    file = upload({"notes.txt": b"Whose?"}).unmatched[0]
    storage, name = file.original.storage, file.original.name
    with django_capture_on_commit_callbacks(execute=True):
        unmatched_file_discard(file=file, by=teacher)
    assert not storage.exists(name)
    with pytest.raises(FileGone):
        unmatched_file_discard(file=file, by=teacher)
