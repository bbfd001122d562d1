from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gradingsite import env

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("Yes", True), ("off", False), ("0", False), ("", True)])
def test_it_reads_a_flag(monkeypatch: Patch, value: str, expected: bool) -> None:
    monkeypatch.setenv("HTTPS", value)
    assert env.flag("HTTPS", default=True) is expected


def test_it_refuses_a_flag_that_is_neither_yes_nor_no(monkeypatch: Patch) -> None:
    monkeypatch.setenv("DEBUG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="DEBUG is 'maybe'"):
        env.flag("DEBUG", default=False)


@pytest.mark.parametrize("value", ["eight", "8.5", "1e3"])
def test_it_refuses_what_is_no_whole_number(monkeypatch: Patch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match=f"PORT is '{value}'"):
        env.whole("PORT", 8000)


@pytest.mark.parametrize("value", ["0", "65536", "-1"])
def test_it_refuses_a_number_out_of_its_range(monkeypatch: Patch, value: str) -> None:
    monkeypatch.setenv("PORT", value)
    with pytest.raises(ImproperlyConfigured, match="between 1 and 65535"):
        env.whole("PORT", 8000, least=1, most=65535)


def test_an_empty_variable_counts_as_not_set(monkeypatch: Patch) -> None:
    monkeypatch.setenv("PORT", "  ")
    assert env.whole("PORT", 8000) == 8000


def test_it_refuses_a_word_that_is_not_on_the_list(monkeypatch: Patch) -> None:
    monkeypatch.setenv("MARGINALIA_QUANTISATION", "nf8")
    with pytest.raises(ImproperlyConfigured, match="use one of: nf4, none"):
        env.choice("MARGINALIA_QUANTISATION", "nf4", ("nf4", "none"))


def test_a_list_is_separated_by_commas(monkeypatch: Patch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "marking.example.org, ,10.0.0.7,")
    assert env.words("ALLOWED_HOSTS") == ["marking.example.org", "10.0.0.7"]


def test_it_refuses_an_address_of_another_kind_and_keeps_its_password_to_itself(monkeypatch: Patch) -> None:
    monkeypatch.setenv("REDIS_URL", "http://:hush@example.org")
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL must begin with one of: redis://") as caught:
        env.url("REDIS_URL", "", ("redis", "rediss"))
    assert "hush" not in str(caught.value)


def test_it_refuses_an_unknown_time_zone(monkeypatch: Patch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Europe/Atlantis")
    with pytest.raises(ImproperlyConfigured, match="Europe/Atlantis"):
        env.time_zone("TIME_ZONE", "UTC")


def test_a_secret_may_come_from_a_file(monkeypatch: Patch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("EMAIL_HOST_PASSWORD_FILE", str(tmp_path / "key"))
    assert env.text("EMAIL_HOST_PASSWORD") == "from a file"


def test_it_refuses_a_value_and_a_file_at_once(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("EMAIL_HOST_PASSWORD", "here")
    monkeypatch.setenv("EMAIL_HOST_PASSWORD_FILE", str(tmp_path / "there"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        env.text("EMAIL_HOST_PASSWORD")


def test_it_names_a_secret_file_that_is_not_there(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE names .*nowhere"):
        env.text("SECRET_KEY")


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    file = tmp_path / "var" / "secret_key"
    first = env.kept_secret("SECRET_KEY", file)
    assert len(first) >= 50
    assert env.kept_secret("SECRET_KEY", file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["secret_key"]


def test_it_refuses_an_empty_secret(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    (tmp_path / "secret_key").touch()
    with pytest.raises(ImproperlyConfigured, match="is empty; delete it"):
        env.kept_secret("SECRET_KEY", tmp_path / "secret_key")
