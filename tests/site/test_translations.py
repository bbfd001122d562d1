"""The German catalogue: nothing left out, nothing garbled, and the compiled file in step with the readable one."""

from __future__ import annotations

import ast
import gettext
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

CATALOGUE = Path(settings.BASE_DIR, "gradingsite/locale/de/LC_MESSAGES/django.po")
NOT_SHOWN = [".venv", "docs", "locale", "mlcore", "tests", "var"]
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd](?!\w)|\{\w*\}")
# What is written the same in German, because it is typed or read by a program as it stands.
VERBATIM = re.compile(r"MARGINALIA_\w+|REDIS_URL|manage\.py \w+|celery --app [\w -]+|python -m mlcore \w+|\w+_\w+")


class Entry(NamedTuple):
    msgid: str
    plural: str | None
    msgstrs: list[str]
    fuzzy: bool


def entries(path: Path) -> list[Entry]:
    """The messages of a .po file without its header; enough of the format for what makemessages writes."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [entry for entry in map(_entry, blocks) if entry.msgid]


def _entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#"):
            continue
        keyword, _, text = line.partition('"')
        name = keyword.strip() or name
        fields[name] = fields.get(name, "") + ast.literal_eval(f'"{text}')
    msgstrs = [text for name, text in fields.items() if name.startswith("msgstr")]
    return Entry(fields["msgid"], fields.get("msgid_plural"), msgstrs, bool(re.search("^#,.*fuzzy", block, re.M)))


ENTRIES = entries(CATALOGUE)


def test_every_message_is_translated_in_full() -> None:
    assert len(ENTRIES) > 500
    assert [entry.msgid for entry in ENTRIES if entry.fuzzy or not all(entry.msgstrs)] == []
    assert [entry.msgid for entry in ENTRIES if entry.plural and len(entry.msgstrs) != 2] == []


@pytest.mark.parametrize("pattern", [PLACEHOLDER, VERBATIM], ids=["placeholders", "names for programs"])
def test_what_is_filled_in_or_typed_stands_in_the_translation_too(pattern: re.Pattern[str]) -> None:
    def found(text: str) -> Counter[str]:
        return Counter(pattern.findall(text))

    wrong = [
        (source, target)
        for entry in ENTRIES
        for source, target in zip([entry.msgid, entry.plural or ""], entry.msgstrs, strict=False)
        if found(source) != found(target)
    ]
    assert wrong == []


def test_the_compiled_catalogue_says_what_the_readable_one_says() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in ENTRIES:
        if entry.plural:
            assert [compiled.ngettext(entry.msgid, entry.plural, n) for n in (1, 2)] == entry.msgstrs
        else:
            assert compiled.gettext(entry.msgid) == entry.msgstrs[0]


def test_every_string_of_the_site_is_in_the_catalogue(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered = tmp_path / "locale/de/LC_MESSAGES/django.po"
    gathered.parent.mkdir(parents=True)
    monkeypatch.chdir(settings.BASE_DIR)
    settings.LOCALE_PATHS = [tmp_path / "locale"]
    call_command("makemessages", locale=["de"], ignore_patterns=NOT_SHOWN, verbosity=0)
    assert {entry.msgid for entry in entries(gathered)} == {entry.msgid for entry in ENTRIES}, "run make messages"


@pytest.mark.django_db
def test_whoever_asks_for_german_logs_in_in_german(client: Client) -> None:
    page = client.get(reverse("login"), headers={"accept-language": "de"}).content.decode()
    assert '<html lang="de"' in page
    assert "E-Mail-Adresse" in page
    assert "Anmelden" in page
    assert "Log in" not in page


def test_one_and_many_have_their_own_words() -> None:
    with translation.override("de"):
        words = [translation.ngettext("%(number)s answer", "%(number)s answers", n) % {"number": n} for n in (1, 2)]
    assert words == ["1 Antwort", "2 Antworten"]


def test_a_blank_answer_is_told_of_in_the_language_of_the_assignment() -> None:
    from grading.mapping import question_of
    from mlcore.blank import blank_proposal

    snapshot = {
        "question": "Was ist ein Stapel?",
        "reference_answer": "",
        "max_points": "2",
        "step": "0.5",
        "language": "de",
        "instructions": "",
        "revision": 0,
        "criteria": [],
    }
    with translation.override("en"):
        proposal = blank_proposal(question_of("", snapshot), "1")
    assert proposal.feedback == "Es wurde keine Antwort abgegeben, daher gibt es keine Punkte."
