"""Versions as files: taken along, brought in from elsewhere with every check, and deleted."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from grading.exceptions import VersionExists, VersionNotReady, VersionUnusable
from grading.models import ModelVersion
from grading.services import version_archive, version_delete, version_import, version_promote, version_register
from grading.services.versions import version_directory
from tests.grading.factories import make_grade, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def base(settings: Any, tiny_base: Path) -> None:
    settings.MARGINALIA_BASE_DIR = tiny_base


def zipped(directory: Path, *, into: str = "tiny", **more: bytes) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in directory.iterdir():
            archive.write(file, f"{into}/{file.name}")
        for name, data in more.items():
            archive.writestr(name, data)
    return SimpleUploadedFile("tiny.zip", buffer.getvalue())


def test_an_exported_version_comes_in_elsewhere_with_the_same_files(tiny_adapter, versions_dir, admin, tmp_path):
    shutil.copytree(tiny_adapter, versions_dir / "mine")
    version = version_register(directory=versions_dir / "mine")
    archive = version_archive(version=version, to=tmp_path / "mine.zip")
    assert "mine/CARD.md" in zipfile.ZipFile(archive).namelist()
    came = version_import(file=SimpleUploadedFile("mine.zip", archive.read_bytes()), by=admin, name="theirs")
    assert came.state == "candidate"
    for file in (versions_dir / "mine").iterdir():
        assert (version_directory(came) / file.name).read_bytes() == file.read_bytes()


def test_a_name_that_is_taken_is_refused(tiny_adapter, admin):
    version_import(file=zipped(tiny_adapter), by=admin, name="once")
    with pytest.raises(VersionExists):
        version_import(file=zipped(tiny_adapter), by=admin, name="once")


def test_a_changed_byte_is_found_by_its_hash(tiny_adapter, admin, tmp_path):
    copy = shutil.copytree(tiny_adapter, tmp_path / "copy")
    weights = copy / "scorer.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(VersionUnusable, match=r"scorer\.safetensors"):
        version_import(file=zipped(copy), by=admin)
    assert not ModelVersion.objects.exists()


def test_weights_of_another_shape_are_refused_although_their_hashes_are_right(
    tiny_adapter, tiny_base, settings, admin, tmp_path
):
    wider = shutil.copytree(tiny_base, tmp_path / "wider")
    config = json.loads((wider / "config.json").read_text())
    (wider / "config.json").write_text(json.dumps({**config, "hidden_size": 2 * config["hidden_size"]}))
    settings.MARGINALIA_BASE_DIR = wider
    with pytest.raises(VersionUnusable, match=r"shape|hidden"):
        version_import(file=zipped(tiny_adapter), by=admin)


def test_a_version_for_another_base_is_refused(tiny_adapter, tiny_base, settings, admin, tmp_path):
    other = shutil.copytree(tiny_base, tmp_path / "other")
    facts = json.loads((other / "base.json").read_text())
    (other / "base.json").write_text(json.dumps({**facts, "revision": "another"}))
    settings.MARGINALIA_BASE_DIR = other
    with pytest.raises(VersionUnusable, match=r"another|revision"):
        version_import(file=zipped(tiny_adapter), by=admin)


@pytest.mark.parametrize(
    "name",
    ["tiny/weights.pkl", "tiny/model.pt", "other/CARD.md", "../../escape.json", "tiny/.hidden.json", "tiny/x.py"],
)
def test_nothing_but_the_files_of_one_adapter_is_unpacked(tiny_adapter, admin, versions_dir, name):
    with pytest.raises(VersionUnusable):
        version_import(file=zipped(tiny_adapter, **{name: b"\x80\x04."}), by=admin)
    assert not list(versions_dir.glob("**/*.*"))


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400) | st.builds(lambda tail: b"PK\x03\x04" + tail, st.binary(max_size=200)))
def test_any_bytes_are_refused_in_words_and_leave_nothing_behind(data, admin, versions_dir):
    with pytest.raises(VersionUnusable):
        version_import(file=SimpleUploadedFile("x.zip", data), by=admin)
    assert not list(versions_dir.glob("*"))


def test_a_deleted_version_loses_its_files_and_stays_to_be_named(tiny_adapter, versions_dir, admin):
    version = version_import(file=zipped(tiny_adapter), by=admin, name="named")
    grade = make_grade(version=version)
    version_delete(version=version, by=admin)
    assert not (versions_dir / "named").exists()
    grade.refresh_from_db()
    assert grade.version.files_deleted_at is not None
    assert [event.action for event in version.events.order_by("pk")] == ["registered", "files_deleted"]
    with pytest.raises(VersionUnusable, match="deleted"):
        version_promote(version=grade.version, by=admin, note="please")


def test_the_version_in_use_cannot_be_deleted(admin):
    with pytest.raises(VersionNotReady):
        version_delete(version=make_version(), by=admin)


def test_files_that_were_registered_from_elsewhere_are_left_where_they_are(tiny_adapter, admin):
    version = version_register(directory=tiny_adapter, name="elsewhere")
    version_delete(version=version, by=admin)
    assert (tiny_adapter / "manifest.json").exists()


def test_the_pages_bring_in_export_and_delete(client: Client, admin: User, tiny_adapter):
    client.force_login(admin)
    answer = client.post(reverse("grading:version_import"), {"file": zipped(tiny_adapter), "name": "paged"})
    version = ModelVersion.objects.get(name="paged")
    assert answer.url == reverse("grading:version", args=[version.pk])
    exported = b"".join(client.get(reverse("grading:version_export", args=[version.pk])).streaming_content)
    assert "paged/manifest.json" in zipfile.ZipFile(io.BytesIO(exported)).namelist()
    bad = client.post(reverse("grading:version_import"), {"file": SimpleUploadedFile("x.zip", b"no zip")})
    assert "x" in bad.context["form"].non_field_errors()[0]
    page = client.post(reverse("grading:version_delete", args=[version.pk]), follow=True).content.decode()
    assert "files deleted" in page
    assert client.get(reverse("grading:version_export", args=[version.pk])).status_code == 302
