"""Checks of an answer beside the model's head, in code: the same for every version, and deaf to what a text says.

They are made to be quiet: a check speaks only where the answer leaves hardly a doubt, so that an honest answer is not
held back (docs/quality.md says how often it happens). What each does:

    NO_ANSWER         no word but “I don't know”, signs only, or nothing left beside a plea: the score is 0
    COPIED_QUESTION   the question's words in the question's order and nothing else: at most `NONSENSE_CAP`
    GIBBERISH         letters that form no words, none of them of question or reference: at most `NONSENSE_CAP`
    KEYWORDS          ten words of question and reference in any order, no sentence: at most `NONSENSE_CAP`
    REPEATED          the same words over and over: the lower mark of the answer and of what it says once
    ADDRESSES_GRADER  speaks to whoever marks it: the model reads the answer without those sentences
    OFF_TOPIC         (nearly) no word in common with question and reference, in a long answer or one that gets little
                      credit from the head: the teacher is told, the mark stays

The caller lets the model read `Screening.reading`, and marks `Screening.reduced` beside it for the lower mark.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcore.addressing import without_address
from mlcore.schemas import MarkNote, Question

# The most that nonsense can get, of 1.
NONSENSE_CAP = 0.05
# Off topic is an answer with at most that share of words in common with the question whose score is below the limit.
# Words alone do not tell: good answers in a pupil's own words share none with a short reference answer.
_OFF_TOPIC = ((0.0, 0.5), (0.2, 0.25))
# Whatever its score, an answer of so many words with at most that share of them in common is off topic, where question
# and reference have enough words themselves.
_FAR, _FAR_KNOWN = ((8, 0.0), (12, 0.08)), 16

_WORD = re.compile(r"[^\W_]+")


def _sections(text: str) -> dict[str, list[str]]:
    """The lines below each [heading]."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            found[line[1:-1]] = lines = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


_TEXT = _sections(Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"))
_PAIRS, _COMMON, _FILLERS = (frozenset(" ".join(_TEXT[name]).split()) for name in ("pairs", "common", "fillers"))
_EVASIONS = re.compile(f"(?:(?:{'|'.join(_TEXT['lead'])}) )*+(?:{'|'.join(_TEXT['evasions'])})")


@dataclass(frozen=True)
class Screening:
    """What the checks found in one answer.

    Attributes:
        notes: what to tell the teacher.
        cap: the highest score in [0, 1] that the answer may get; 1 where nothing is wrong.
        reading: the answer without what speaks to the marker, to be read in its place; None where all is read.
        reduced: a text to be marked beside the answer, whose mark it may not exceed; None where there is none.
        common: the share of the answer's words, 0 to 1, that question or reference have too; 1 where the answer or
            the question has too few words to say.
    """

    notes: frozenset[MarkNote] = frozenset()
    cap: float = 1.0
    reading: str | None = None
    reduced: str | None = None
    common: float = 1.0

    def notes_at(self, score: float) -> frozenset[MarkNote]:
        """The notes once the head's score in [0, 1] is known: with OFF_TOPIC where both speak for it."""
        off = not self.notes and any(self.common <= share and score < limit for share, limit in _OFF_TOPIC)
        return self.notes | {MarkNote.OFF_TOPIC} if off else self.notes


def screen(question: Question, text: str) -> Screening:
    """Check one answer to a question; deterministic, and independent of any other answer.

    A blank answer is for the caller (`mlcore.prompts.is_blank`): here it counts as NO_ANSWER.
    """
    notes: set[MarkNote] = set()
    reduced, cap = text, 1.0
    reading = without_address(text, _known(question))
    if reading is not None:
        notes.add(MarkNote.ADDRESSES_GRADER)
        reduced = reading
    once = said_once(reduced)
    if once is not None:
        notes.add(MarkNote.REPEATED)
        reduced = once
    for note, found, most in (
        (MarkNote.NO_ANSWER, _says_nothing(question, reduced), 0.0),
        (MarkNote.COPIED_QUESTION, _copies_question(question, reduced), NONSENSE_CAP),
        (MarkNote.GIBBERISH, _gibberish(question, reduced), NONSENSE_CAP),
        (MarkNote.KEYWORDS, _only_keywords(question, reduced), NONSENSE_CAP),
    ):
        if found:
            notes.add(note)
            cap = min(cap, most)
            break
    once = once if cap > NONSENSE_CAP else None
    common, far = _common(question, reduced)
    if far and not notes:
        notes.add(MarkNote.OFF_TOPIC)
    return Screening(frozenset(notes), cap, reading or None, once, common)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _known(question: Question) -> frozenset[str]:
    """The words of everything that the question says, what earns points included."""
    criteria = " ".join(f"{entry.title} {entry.description}" for entry in question.criteria)
    return frozenset(_words(f"{question.text} {question.reference_answer} {question.instructions} {criteria}"))


def said_once(text: str) -> str | None:
    """The text with what is repeated said once; None where hardly anything is.

    Repeated are sentences, and runs of words that follow themselves. Only a text that loses half of at least twelve
    words counts: an answer that says a thing twice is no padding.
    """
    words = text.split()
    if len(words) < 12:
        return None
    kept: list[str] = []
    seen: set[str] = set()
    for sentence in re.split(r"(?<=[.!?…;])\s+|\n+", text):
        key = " ".join(_words(sentence))
        if key and key not in seen:
            seen.add(key)
            kept.append(sentence.strip())
    once = _without_runs(" ".join(kept).split())
    return " ".join(once) if 2 * len(once) <= len(words) else None


def _without_runs(words: Sequence[str], longest: int = 24) -> list[str]:
    """Words without runs that stand right behind themselves (a b a b a b → a b)."""
    kept: list[str] = []
    keys: list[str] = []
    for word in words:
        kept.append(word)
        keys.append(word.casefold())
        for size in range(1, min(longest, len(keys) // 2) + 1):
            # Nearly every run is ruled out by its last word or its first.
            if keys[-1] != keys[-1 - size] or keys[-size] != keys[-2 * size]:
                continue
            if keys[-size:] == keys[-2 * size : -size]:
                del kept[-size:], keys[-size:]
                break
    return kept


def _says_nothing(question: Question, text: str) -> bool:
    words = _words(text)
    if not words:
        # Signs may be the answer where signs are asked for.
        return not set(text.split()) & set(question.reference_answer.split())
    spoken = " ".join(words)
    match = _EVASIONS.match(spoken)
    if match is None or not (match.end() == len(spoken) or spoken[match.end()] == " "):
        return False
    if set(words) == set(_words(question.reference_answer)):
        return False
    rest = [word for word in spoken[match.end() :].split() if word not in _FILLERS]
    return not rest or _EVASIONS.fullmatch(" ".join(rest)) is not None


def _copies_question(question: Question, text: str) -> bool:
    """Whether the answer is made of the question's own sentences, with at most a tenth of other words."""
    words, asked = _words(text), _words(question.text)
    if len(words) < 5 or len(asked) < 5:
        return False
    run = min(5, len(asked))
    places = {tuple(asked[i : i + run]) for i in range(len(asked) - run + 1)}
    covered = [False] * len(words)
    for start in range(len(words) - run + 1):
        if tuple(words[start : start + run]) in places:
            covered[start : start + run] = [True] * run
    foreign = sum(not entry for entry in covered)
    return foreign <= len(words) // 10 and not _holds_reference(question, words)


def _holds_reference(question: Question, words: Sequence[str]) -> bool:
    """Whether the words hold what the reference says beyond the question: then a copied stretch is an answer."""
    beyond = set(_words(question.reference_answer)) - set(_words(question.text)) - _COMMON
    reference = _words(question.reference_answer)
    inside = " ".join(reference) in " ".join(words) if reference else False
    return inside or (bool(beyond) and len(beyond & set(words)) * 2 >= len(beyond))


def _gibberish(question: Question, text: str) -> bool:
    """Whether most letters form no words. Only for letters that English and German write: others are left alone."""
    words = [word for word in _words(text) if word.isalpha() and len(word) > 1]
    letters = "".join(words)
    if len(letters) < 5 or not re.fullmatch(r"[a-zäöüß]+", letters):
        return False
    known = _known(question) | _COMMON
    if any(word in known for word in words if len(word) > 2):
        return False
    pairs = [word[i : i + 2] for word in words for i in range(len(word) - 1)]
    share = sum(pair in _PAIRS for pair in pairs) / len(pairs)
    return share < (0.5 if len(pairs) >= 8 else 0.35)


def _only_keywords(question: Question, text: str) -> bool:
    """Whether ten words and more, nearly all of question and reference, have hardly a small word between them.

    Three words in the order of reference or question are no such list: the reference itself may be one.
    """
    words = [word for word in _words(text) if word.isalpha()]
    if len(set(words)) < 10 or sum(word in _COMMON for word in words) > 0.2 * len(words):
        return False
    known = _known(question)
    given = {run for text in (question.reference_answer, question.text) for run in _threes(_words(text))}
    quoted = any(run in given for run in _threes(words))
    return not quoted and sum(word in known for word in words) >= 0.8 * len(words)


def _threes(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(words, words[1:], words[2:], strict=False)


def _common(question: Question, text: str) -> tuple[float, bool]:
    """The share of the answer's words that have their like in the question (1 where there are too few to say), and
    whether that is so little of so many words that the answer is about something else."""
    mine = {word for word in _words(text) if len(word) > 2 and word not in _COMMON}
    known = {word for word in _known(question) if len(word) > 2 and word not in _COMMON}
    if len(mine) < 3 or len(known) < 5:
        return 1.0, False
    akin = _akin(known)
    share = sum(map(akin, mine)) / len(mine)
    far = len(known) >= _FAR_KNOWN and any(len(mine) >= least and share <= most for least, most in _FAR)
    return share, far


def _akin(known: Collection[str]) -> Callable[[str], bool]:
    """Whether a word has the same stem as one of these, roughly: four letters at the beginning, or one of the two
    inside the other, a compound, with at least four letters."""
    stems = {word[:4] for word in known}
    parts: dict[str, list[str]] = {}
    for word in known:
        if len(word) >= 4:
            parts.setdefault(word[:4], []).append(word)
    whole = " ".join(known)

    def akin(word: str) -> bool:
        if word[:4] in stems or (len(word) >= 4 and word in whole):
            return True
        return any(
            word.startswith(part, place)
            for place in range(len(word) - 3)
            for part in parts.get(word[place : place + 4], ())
        )

    return akin
