"""What of a model's feedback a student may read: in the right language, true to the points, no reference given away.

Rules in code after the model: whatever was trained, and whatever an answer talked the model into, these hold. Where a
sentence breaks one it is left out, and where nothing is left a short honest sentence stands instead: the model says
less. Rules for words know English and German; other languages keep the rest. No torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlcore.rows import guess_language
from mlcore.schemas import MarkNote, Question

# The longest run of words of the reference answer that feedback may repeat; a longer one gives the answer away.
QUOTED_WORDS = 7
# Loops that are longer than what the decoder forbids: a run of so many words stands once in a feedback.
_REPEATED_WORDS = 6
_EDGE = 1e-6

_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+")
_WHOLE = r"(?:response|answer|solution|submission|explanation|this|that|it|antwort|lösung|aussage|das|alles)"
_SURE = (
    r"(?:completely|fully|entirely|totally|absolutely|all|generally|indeed|vollständig|völlig|ganz|komplett|genau|so)"
)
_GOOD = r"(?:correct|right|perfect|complete|accurate|richtig|korrekt|perfekt|fehlerfrei|vollständig)"
# “Correct.”, “The response is correct …”: a verdict on the whole, not praise of a part (“correctly names …”).
_RIGHT = re.compile(
    rf"^\W*(?:(?:yes|ja|that's|{_WHOLE}(?: is| ist)?),?\s+)?(?:{_SURE}\s+)?(?:{_GOOD}|well done|excellent)\W*$"
    rf"|\b{_WHOLE}\s+(?:is|was|ist|war)\s+(?:{_SURE}\s+)?{_GOOD}\b"
    r"|\b(?:answers the (?:whole )?question (?:correctly|fully|completely)|(?:correctly|fully) answers the question)",
    re.IGNORECASE,
)
_PARTLY = re.compile(
    r"\b(?:partial(?:ly)?|partly|half|only|but|however|although|though|miss(?:es|ing)?|lacks?|incomplete|except|also"
    r"|remaining|rest|other|apart|otherwise|first|second|third|should|could|would|more|not|n[o’']t|isn.t|doesn.t|without|unfortunately|instead|wrong|incorrect|rather"
    r"|teilweise|zum teil|nur|aber|jedoch|allerdings|fehl\w*|unvollständig|außerdem|auch|noch|nicht|kein\w*|leider"
    r"|sonst|ansonsten|übrig\w*|abgesehen|solltest|könnte\w*|statt\w*|falsch)\b",
    re.IGNORECASE,
)
_HALF = re.compile(
    r"\b(?:partial(?:ly)?|partly|half|incomplete|not (?:fully|completely|entirely)|teilweise|zum teil|unvollständig"
    r"|nicht (?:ganz|vollständig))\b",
    re.IGNORECASE,
)
_WRONG = re.compile(
    rf"^\W*(?:(?:no|nein|{_WHOLE}(?: is| ist)?),?\s+)?(?:{_SURE}\s+)?(?:incorrect|wrong|falsch|nicht richtig)\W*$"
    rf"|\b{_WHOLE}\s+(?:is|was|ist|war)\s+(?:{_SURE}\s+|leider\s+)?(?:incorrect|wrong|false|falsch)\b"
    rf"|\b{_WHOLE}\s+(?:is not|isn.t|ist (?:leider )?nicht)\s+(?:correct|right|richtig|korrekt)\b"
    r"|\b(?:does not|doesn.t|fails to) answer the question|\bbeantwortet die frage nicht",
    re.IGNORECASE,
)
_PLAIN = {
    "en": ("The response is correct.", "The response is partially correct.", "The response is incorrect."),
    "de": ("Die Antwort ist richtig.", "Die Antwort ist teilweise richtig.", "Die Antwort ist nicht richtig."),
}
_NONSENSE = {
    "en": "This does not answer the question. Say in your own words what you know about it.",
    "de": "Das beantwortet die Frage nicht. Schreibe in eigenen Worten, was du dazu weißt.",
}
_UNANSWERED = frozenset({MarkNote.NO_ANSWER, MarkNote.COPIED_QUESTION, MarkNote.GIBBERISH, MarkNote.KEYWORDS})


def worded(
    question: Question,
    answer: str,
    text: str,
    points: float,
    *,
    notes: frozenset[MarkNote] = frozenset(),
    quoted_words: int = QUOTED_WORDS,
    most_sentences: int = 0,
) -> str:
    """The model's text as the student may read it.

    Args:
        answer: what the student wrote: its own words may be repeated, and its language is answered in.
        text: whole sentences, see `mlcore.writing.tidy`.
        points: what the feedback was told, on the question's scale.
        notes: what the checks found; where nothing was answered the text says just that.
        quoted_words: the longest run of words of the reference answer to repeat; 0 lets all through.
        most_sentences: so many at the most; 0 for any number.
    """
    language = language_of(question, answer)
    share = (points - question.min_points) / (question.max_points - question.min_points)
    if notes & _UNANSWERED and share <= 0.1:
        return _NONSENSE[language]
    if _foreign(text, language):
        return plain_verdict(share, language)
    kept: list[str] = []
    for sentence in _SENTENCE.split(text.strip()):
        if not sentence or _contradicts(sentence, share) or _loops(kept, sentence):
            continue
        if quoted_words and _quotes(sentence, question.reference_answer, answer, quoted_words):
            continue
        kept.append(sentence)
    kept = kept[:most_sentences] if most_sentences else kept
    said = " ".join(kept)
    # A text that broke off within its only sentence says nothing whole.
    if not kept or said.endswith("…"):
        return plain_verdict(share, language)
    return said


def plain_verdict(share: float, language: str) -> str:
    """The short honest sentence for a share of the points, 0 to 1."""
    right, partly, wrong = _PLAIN[language]
    return right if share >= 1 - _EDGE else wrong if share <= _EDGE else partly


def language_of(question: Question, answer: str) -> str:
    """The language to answer in, “en” or “de”: the answer's own, or the question's where the answer is short."""
    own = question.language[:2].lower()
    spoken = guess_language(answer) if len(answer.split()) >= 8 and own in _PLAIN else own
    return spoken if spoken in _PLAIN else "en"


def contradicts(text: str, share: float) -> bool:
    """Whether any sentence says something else of the answer than its share of the points, 0 to 1."""
    return any(_contradicts(sentence, share) for sentence in _SENTENCE.split(text) if sentence)


def _contradicts(sentence: str, share: float) -> bool:
    half, wrong = _HALF.search(sentence) is not None, _WRONG.search(sentence) is not None
    if share >= 1 - _EDGE:
        return wrong or half
    if _RIGHT.search(sentence) and not _PARTLY.search(sentence):
        return True
    return half if share <= _EDGE else wrong and not half


def _foreign(text: str, language: str) -> bool:
    return len(text.split()) >= 6 and guess_language(text) != language


def _loops(kept: Sequence[str], sentence: str) -> bool:
    """Whether the sentence repeats a run of words that was said before, or one of its own."""
    before = _words(" ".join(kept))
    words = _words(sentence)
    runs = [tuple(words[i : i + _REPEATED_WORDS]) for i in range(len(words) - _REPEATED_WORDS + 1)]
    known = {tuple(before[i : i + _REPEATED_WORDS]) for i in range(len(before) - _REPEATED_WORDS + 1)}
    return len(runs) != len(set(runs)) or bool(known & set(runs))


def _quotes(sentence: str, reference: str, answer: str, most: int) -> bool:
    """Whether the sentence has a run of the reference's words that is longer than `most`, and not the student's own.

    A reference of a few words is given away by saying all of it.
    """
    words, kept, own = _words(sentence), _words(reference), f" {' '.join(_words(answer))} "
    size = min(most + 1, len(kept))
    if size < 4:
        return False
    runs = {" ".join(kept[i : i + size]) for i in range(len(kept) - size + 1)}
    said = (" ".join(words[i : i + size]) for i in range(len(words) - size + 1))
    return any(run in runs and f" {run} " not in own for run in said)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
