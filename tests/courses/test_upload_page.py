from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from courses.models import Assignment, Submission, SubmissionState, UnmatchedFile


def upload(client: Client, assignment: Assignment, files: dict[str, bytes]) -> str:
    uploads = [SimpleUploadedFile(name, data) for name, data in files.items()]
    response = client.post(reverse("courses:upload_files", args=[assignment.pk]), {"uploads": uploads})
    assert response.status_code == 200
    return response.text


@pytest.fixture
def as_teacher(client: Client, teacher: User, student: User, other_student: User) -> Client:
    client.force_login(teacher)
    return client


def test_each_file_of_an_upload_is_accounted_for(as_teacher: Client, assignment: Assignment) -> None:
    files = {
        "ada@example.org.txt": b"Blue light is scattered.",
        "Bilal Chaudhry.pdf": b"%PDF-1.4 broken",
        "scan_0042.txt": b"Somebody's answer.",
        "bundle.zip": b"PK\x03\x04 not really",
    }
    page = upload(as_teacher, assignment, files)
    assert Submission.objects.get(student__first_name="Ada").state == SubmissionState.READY
    assert Submission.objects.get(student__first_name="Bilal").state == SubmissionState.UNREADABLE
    for words in ("1 answer taken", "The file is damaged or incomplete.", "scan_0042.txt", "bundle.zip"):
        assert words in page


def test_an_empty_file_is_kept_and_its_reason_told(as_teacher: Client, assignment: Assignment) -> None:
    assert "The file is empty." in upload(as_teacher, assignment, {"ada brandt.txt": b""})
    assert Submission.objects.get().state == SubmissionState.UNREADABLE


def test_no_file_at_all_comes_back_with_words(as_teacher: Client, assignment: Assignment) -> None:
    assert "This field is required." in upload(as_teacher, assignment, {})


def test_an_unmatched_file_is_assigned_with_a_click(as_teacher: Client, assignment: Assignment, student: User) -> None:
    upload(as_teacher, assignment, {"scan_0042.txt": b"Mine."})
    file = UnmatchedFile.objects.get()
    address = reverse("courses:unmatched_assign", args=[file.pk])
    assert "Choose a student for" in as_teacher.post(address, {"student": ""}, follow=True).text
    response = as_teacher.post(address, {"student": student.pk}, follow=True)
    assert "is the answer of Ada Brandt now." in response.text
    assert Submission.objects.get(student=student).text == "Mine."
    assert not UnmatchedFile.objects.exists()


def test_a_file_goes_to_no_stranger(as_teacher: Client, assignment: Assignment, outsider: User) -> None:
    upload(as_teacher, assignment, {"scan_0042.txt": b"Mine."})
    file = UnmatchedFile.objects.get()
    as_teacher.post(reverse("courses:unmatched_assign", args=[file.pk]), {"student": outsider.pk})
    assert not Submission.objects.exists()


def test_an_unmatched_file_is_discarded(as_teacher: Client, assignment: Assignment) -> None:
    upload(as_teacher, assignment, {"scan_0042.txt": b"Nobody's."})
    as_teacher.post(reverse("courses:unmatched_discard", args=[UnmatchedFile.objects.get().pk]))
    assert not UnmatchedFile.objects.exists()


def test_a_table_brings_one_answer_a_row(as_teacher: Client, assignment: Assignment) -> None:
    data = "student,answer\nada@example.org,Scattering.\nnobody@example.org,What?\n".encode("utf-16")
    file = SimpleUploadedFile("answers.csv", data)
    response = as_teacher.post(reverse("courses:upload_table", args=[assignment.pk]), {"file": file})
    assert Submission.objects.get().text == "Scattering."
    assert "is not exactly one student of this course" in response.text


def test_a_table_without_the_column_comes_back_with_words(as_teacher: Client, assignment: Assignment) -> None:
    file = SimpleUploadedFile("answers.csv", b"a,b\n1,2\n")
    response = as_teacher.post(reverse("courses:upload_table", args=[assignment.pk]), {"file": file})
    assert "The table has no column “answer”." in response.text
