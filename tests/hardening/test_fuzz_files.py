"""Random and torn files through everything that reads files: text, or words that say why not; never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from courses.errors import UNREADABLE_WORDS, UserError
from courses.extraction import Unreadable, extract_text
from courses.imports import submissions_from_table
from courses.models import Assignment, Course, Submission, UnmatchedFile
from courses.services import enrol_from_csv, submissions_from_files
from grading.services.imports import marked_answers_import
from grading.services.training_sets import training_set_upload
from mlcore.manifest import AdapterError, Manifest, read_manifest
from tests.grading.adapters import write_bare_adapter
from tests.hardening.strategies import (
    archives,
    docx_files,
    entry_names,
    files,
    odt_files,
    pdf_files,
    tables,
    texts,
    torn,
)
from tests.hardening.tally import FUZZ, TALLY, tries

pytestmark = pytest.mark.slow

# Making a failing input smaller takes longer than a long run has; it can be run again with the same seed.
PHASES = [Phase.generate] if FUZZ else list(Phase)


def many(share: float, short: int) -> settings:
    every = [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ]
    return settings(
        max_examples=tries(share, short), deadline=None, suppress_health_check=every, phases=PHASES, database=None
    )


def reads_or_says_why(what: str, data: bytes, scratch: Path) -> None:
    with TALLY.one(f"{what} {data[:60]!r}", scratch):
        try:
            text = extract_text(data)
        except Unreadable as reason:
            assert reason.code in UNREADABLE_WORDS
        else:
            assert text.strip()
            assert "\x00" not in text
            text.encode("utf-8")


@pytest.mark.timeout(3600)
@many(0.12, 60)
@given(data=docx_files)
def test_word_documents(data: bytes, scratch: Path) -> None:
    reads_or_says_why("docx", data, scratch)


@pytest.mark.timeout(3600)
@many(0.1, 40)
@given(data=odt_files)
def test_opendocument_texts(data: bytes, scratch: Path) -> None:
    reads_or_says_why("odt", data, scratch)


@pytest.mark.timeout(3600)
@many(0.12, 60)
@given(data=pdf_files)
def test_pdfs(data: bytes, scratch: Path) -> None:
    reads_or_says_why("pdf", data, scratch)


@pytest.mark.timeout(3600)
@many(0.1, 60)
@given(data=texts)
def test_texts_in_every_encoding(data: bytes, scratch: Path) -> None:
    reads_or_says_why("text", data, scratch)


@pytest.mark.timeout(3600)
@pytest.mark.django_db
@many(0.1, 30)
@given(data=archives | files, name=entry_names)
def test_uploads_and_archives(
    data: bytes, name: str, assignment: Assignment, teacher: User, student: User, scratch: Path, tmp_path: Path
) -> None:
    media = tmp_path / "media"
    upload = SimpleUploadedFile(f"{student.email} {name}", data)
    with TALLY.one(f"upload {name!r} {data[:40]!r}", scratch, media):
        try:
            submissions_from_files(assignment=assignment, by=teacher, files=[upload])
        except UserError as error:
            assert error.message
        rows = [row for model in (Submission, UnmatchedFile) for row in model.objects.exclude(original="")]
        kept = {str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()}
        assert kept == {str(row.original) for row in rows}
        for row in rows:
            row.original.storage.delete(str(row.original))
        Submission.objects.all().delete()
        UnmatchedFile.objects.all().delete()


@pytest.mark.timeout(3600)
@pytest.mark.django_db
@many(0.16, 60)
@given(data=tables, which=st.sampled_from(["enrol", "answers", "marked", "set"]))
def test_tables(data: bytes, which: str, course: Course, assignment: Assignment, teacher: User, scratch: Path) -> None:
    with TALLY.one(f"table for {which} {data[:200]!r}", scratch), transaction.atomic():
        try:
            if which == "enrol":
                enrol_from_csv(course=course, by=teacher, data=data)
            elif which == "answers":
                submissions_from_table(assignment=assignment, by=teacher, name="t", data=data)
            elif which == "marked":
                marked_answers_import(course=course, by=teacher, name="t", data=data, with_grades=True)
            else:
                training_set_upload(by=teacher, name="t", licence="", data=data)
        except UserError as error:
            assert error.message
        transaction.set_rollback(True)


@pytest.fixture
def manifest_text(tmp_path: Path) -> bytes:
    return (write_bare_adapter(tmp_path / "bare") / "manifest.json").read_bytes()


@pytest.mark.timeout(3600)
@many(0.1, 60)
@given(data=st.data())
def test_manifests_of_adapters(data: st.DataObject, manifest_text: bytes, tmp_path: Path) -> None:
    place = tmp_path / "adapter"
    place.mkdir(exist_ok=True)
    body = data.draw(torn(manifest_text) | signed_anew(manifest_text))
    (place / "manifest.json").write_bytes(body)
    verify = data.draw(st.booleans())
    with TALLY.one(f"manifest {body[:80]!r}"):
        try:
            assert isinstance(read_manifest(place, verify=verify), Manifest)
        except AdapterError as error:
            assert str(error)


def signed_anew(text: bytes) -> st.SearchStrategy[bytes]:
    """Manifests with an odd value somewhere and a digest that fits: whoever can write one can sign it."""
    from mlcore.manifest import _digest

    whole = json.loads(text)
    odd = st.none() | st.integers() | st.text(max_size=8) | st.lists(st.integers(), max_size=2) | st.just({"../x": "y"})

    def changed(key: str, value: object) -> bytes:
        body = {**whole, key: value}
        return json.dumps({**body, "digest": _digest(body)}).encode()

    return st.builds(changed, st.sampled_from(sorted(set(whole) - {"digest"})), odd)
