from __future__ import annotations

import pytest
from django.core.management import call_command

from grading.exceptions import NoEarlierVersion, VersionExists, VersionNotReady, VersionUnusable
from grading.models import ModelVersion, VersionState
from grading.services import (
    version_promote,
    version_register,
    version_reject,
    version_retire,
    version_roll_back,
)
from grading.services.versions import version_directory
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_version


def states() -> dict[str, str]:
    return dict(ModelVersion.objects.values_list("name", "state"))


def test_it_registers_a_directory_as_a_candidate(adapter, teacher):
    version = version_register(directory=adapter, by=teacher)
    assert (version.name, version.state, version.directory) == ("bare", VersionState.CANDIDATE, "bare")
    assert (version.base_name, version.manifest["licences"]) == ("tiny-llama", ("data of a school",))
    assert version_directory(version) == adapter
    assert version.events.get().action == "registered"


def test_it_refuses_a_damaged_directory_and_names_it(adapter, teacher):
    (adapter / "scorer.safetensors").write_bytes(b"changed")
    with pytest.raises(VersionUnusable, match=r"scorer\.safetensors"):
        version_register(directory=adapter, by=teacher)


def test_it_refuses_a_name_twice(adapter, teacher):
    version_register(directory=adapter, by=teacher)
    with pytest.raises(VersionExists):
        version_register(directory=adapter, by=teacher)


def test_promoting_retires_the_version_that_was_in_use(adapter, teacher):
    make_version(name="old")
    version_promote(version=version_register(directory=adapter), by=teacher, note="measured better")
    assert states() == {"old": "retired", "bare": "promoted"}
    assert ModelVersion.objects.promoted().get().events.first().note == "measured better"


def test_it_refuses_to_promote_a_damaged_version_and_leaves_the_other_in_use(adapter, teacher):
    make_version(name="old")
    version = version_register(directory=adapter)
    (adapter / "feedback.safetensors").unlink()
    with pytest.raises(VersionUnusable):
        version_promote(version=version, by=teacher)
    assert states()["old"] == "promoted"


def test_it_refuses_to_promote_what_cannot_score(versions_dir, teacher):
    version = version_register(directory=write_bare_adapter(versions_dir / "writer", parts=("feedback",)))
    with pytest.raises(VersionUnusable, match="scorer"):
        version_promote(version=version, by=teacher)


def test_it_refuses_to_promote_what_was_rejected(adapter, teacher):
    version = version_register(directory=adapter)
    version_reject(version=version, by=teacher)
    with pytest.raises(VersionNotReady):
        version_promote(version=version, by=teacher)


def test_rolling_back_puts_the_version_before_in_use_again(versions_dir, teacher):
    for name in ("one", "two", "three"):
        version = version_register(directory=write_bare_adapter(versions_dir / name))
        version_promote(version=version, by=teacher, note="a try")
    assert version_roll_back(by=teacher).name == "two"
    assert states() == {"one": "retired", "two": "promoted", "three": "retired"}


def test_it_refuses_to_roll_back_where_nothing_was_before(adapter, teacher):
    version_promote(version=version_register(directory=adapter), by=teacher)
    with pytest.raises(NoEarlierVersion):
        version_roll_back(by=teacher)


def test_a_version_can_be_taken_out_of_use(adapter, teacher):
    version = version_promote(version=version_register(directory=adapter), by=teacher)
    version_retire(version=version, by=teacher)
    assert states() == {"bare": "retired"}


def test_the_starter_is_put_in_use_once(db, tmp_path, monkeypatch, capsys):
    command = "grading.management.commands.register_starter"
    monkeypatch.setattr(f"{command}.STARTER", write_bare_adapter(tmp_path / "starter"))
    call_command("register_starter")
    call_command("register_starter")
    version = ModelVersion.objects.get()
    assert version.state == VersionState.PROMOTED
    assert version_directory(version).parent.name == "versions", "grades must not change with the program"
    assert "nothing was changed" in capsys.readouterr().out


def test_without_a_starter_the_site_still_starts(db, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("grading.management.commands.register_starter.STARTER", tmp_path / "nothing")
    call_command("register_starter")
    assert "nothing can be marked" in capsys.readouterr().err
