"""The disk fills while a file is being written: the person is told, and no half of a file stays behind."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from courses.models import Submission, UnmatchedFile
from tests.factories import AssignmentFactory, MembershipFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Path:
    """Every file gets half of its bytes onto the disk, and then there is no room."""
    settings.MEDIA_ROOT = tmp_path

    def chunks(file: ContentFile[bytes], chunk_size: int | None = None) -> Iterator[bytes]:
        data = file.read()
        yield data[: len(data) // 2]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ContentFile, "chunks", chunks)
    return tmp_path


def test_a_student_is_told_and_the_earlier_answer_stays(client: Client, full_disk: Path) -> None:
    membership = MembershipFactory()
    assignment = AssignmentFactory(course=membership.course)
    client.force_login(membership.user)
    address = reverse("courses:submit", args=[assignment.pk])
    client.post(address, {"text": "The gap."})
    answer = client.post(address, {"replace": "on", "file": SimpleUploadedFile("a.txt", b"The gap opens it.")})
    assert answer.status_code == 200
    assert "no room left for files" in answer.content.decode()
    assert list(Submission.objects.values_list("text", "state")) == [("The gap.", "ready")]
    assert _files(full_disk) == []


def test_a_teacher_is_told_which_files_were_not_kept(client: Client, full_disk: Path) -> None:
    membership = MembershipFactory(role="teacher")
    assignment = AssignmentFactory(course=membership.course)
    client.force_login(membership.user)
    address = reverse("courses:upload_files", args=[assignment.pk])
    answer = client.post(address, {"uploads": [SimpleUploadedFile("nobody.txt", b"The gap opens it.")]})
    assert answer.status_code == 200
    assert "no room left for files" in answer.content.decode()
    assert not UnmatchedFile.objects.exists()
    assert _files(full_disk) == []


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]
