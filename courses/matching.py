"""Whose file is it? Only its name can tell, and a wrong guess gives someone another's mark: in doubt, nobody's."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from django.contrib.auth.models import User

# “Firstname Lastname_123456_assignsubmission_file_” and its kind, as Moodle names folders and files.
_MOODLE = re.compile(r"^(?P<name>.+?)_\d{3,}_assign(?:submission|ment)?_?", re.IGNORECASE)
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "æ": "ae", "å": "aa"})
_STROKES = str.maketrans({"ø": "o", "æ": "ae", "ł": "l", "đ": "d", "ı": "i"})
Tokens = tuple[str, ...]


@dataclass(frozen=True)
class Keys:
    """What a student may be called in a file's name."""

    student: User
    emails: frozenset[str]
    names: frozenset[Tokens]
    logins: frozenset[Tokens]


@dataclass
class StudentMatcher:
    """Finds the one student of a course whom a file's name names."""

    keys: list[Keys] = field(default_factory=list)

    @classmethod
    def of(cls, students: Iterable[User]) -> StudentMatcher:
        return cls([_keys(student) for student in students])

    def match(self, path: str) -> User | None:
        """The student, or None where the name names nobody or more than one."""
        for part in _parts(path):
            found = self._by_email(part) or self._by_tokens(part)
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def named(self, who: str) -> User | None:
        """The student with exactly this address, login or name."""
        plain, forms = who.strip().casefold(), {_tokens(who, german=False), _tokens(who, german=True)}
        found = [keys.student for keys in self.keys if plain in keys.emails]
        found = found or [keys.student for keys in self.keys if forms & (keys.names | keys.logins)]
        return found[0] if len(found) == 1 else None

    def _by_email(self, part: str) -> list[User]:
        part = unicodedata.normalize("NFC", part).casefold()
        hits = [(mail, keys.student) for keys in self.keys for mail in keys.emails if _stands_in(mail, part)]
        # “a_student1@…” holds “student1@…” as well: the longer address is the one that was meant.
        mails = {mail for mail, _ in hits}
        return _distinct(student for mail, student in hits if not any(mail in other for other in mails - {mail}))

    def _by_tokens(self, part: str) -> list[User]:
        forms = {_tokens(part, german=False), _tokens(part, german=True)}
        exact = [keys.student for keys in self.keys if forms & (keys.names | keys.logins)]
        if exact:
            return _distinct(exact)
        hits = []
        for keys in self.keys:
            spans = [name for name in keys.names if any(_contains(form, name) for form in forms)]
            spans += [login for login in keys.logins if any(_login_in(form, login) for form in forms)]
            if spans:
                hits.append((max(map(len, spans)), keys.student))
        # “Anna Maria Schmidt” also holds “Maria Schmidt”: the one named in more words is the one that was meant.
        longest = max((length for length, _ in hits), default=0)
        return _distinct(student for length, student in hits if length == longest)


def _keys(student: User) -> Keys:
    emails = {value.casefold() for value in (student.email, student.username) if "@" in value}
    logins = {value.partition("@")[0] for value in emails or {student.username.casefold()}}
    first, last = student.first_name, student.last_name
    names = {f"{first} {last}", f"{last} {first}"} if first.strip() and last.strip() else set()
    if names:
        # Most people sign with the first of their first names.
        names |= {f"{first.split()[0]} {last}", f"{last} {first.split()[0]}"}
    return Keys(student, frozenset(emails), _all_forms(names), _all_forms(logins))


def _all_forms(texts: Iterable[str]) -> frozenset[Tokens]:
    forms = {_tokens(text, german=german) for text in texts for german in (False, True)}
    return frozenset(form for form in forms if form)


def _tokens(text: str, *, german: bool) -> Tokens:
    """Words without case and accents; “Müller” as “muller”, or as “mueller” in German."""
    text = unicodedata.normalize("NFC", text).casefold()
    text = (text.translate(_GERMAN) if german else text).translate(_STROKES)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return tuple(re.findall(r"[^\W_]+", plain))


def _parts(path: str) -> Iterator[str]:
    """The parts of a path that may name somebody: what Moodle put there, or the file's own name, then its folders."""
    pieces = [piece for piece in path.replace("\\", "/").split("/") if piece.strip()]
    moodle = [found["name"] for piece in reversed(pieces) if (found := _MOODLE.match(piece))]
    if moodle:
        yield from moodle
        return
    if pieces:
        yield PurePosixPath(pieces[-1]).stem
        yield pieces[-1]
        yield from reversed(pieces[:-1])


def _stands_in(email: str, part: str) -> bool:
    return re.search(rf"(?<![a-z0-9.+-]){re.escape(email)}(?![a-z0-9-]|\.[a-z0-9-]*@)", part) is not None


def _contains(whole: Tokens, part: Tokens) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def _login_in(whole: Tokens, login: Tokens) -> bool:
    """A login inside a longer name: anywhere where it could hardly be a common word, else only at the beginning."""
    telling = len(login) > 1 or (any(map(str.isdigit, login[0])) and len(login[0]) > 2)
    return _contains(whole, login) if telling else len(login[0]) > 3 and whole[:1] == login


def _distinct(students: Iterable[User]) -> list[User]:
    return list({student.pk: student for student in students}.values())
