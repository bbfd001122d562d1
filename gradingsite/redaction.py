"""What never stands in a log: passwords, tokens, keys, links that log somebody in, and what students wrote.

The code does not log such things on purpose. They come in through messages of libraries: a database that repeats the
row it refused, a parser that quotes what it could not read, an address with a password in it. Every line goes
through `redact`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import unquote, urlsplit

from django.conf import settings

HIDDEN = "‹hidden›"
SHORTEST_SECRET = 6
LONGEST_QUOTE = 60  # characters; what a message quotes beyond it is somebody's text
LONGEST_LINE = 4000
LOOKED_AT = 50_000  # characters; nobody shall keep a process busy with a line
RUN = 5  # so many words of a private text in a row are hidden

_KEPT_BACK = r"(?:password|passwd|passphrase|secret|token|api[_-]?key|session_?id|csrf|cookie|authorization|credential)"
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?P<keep>\w://)[^/\s@'\"]+@"), rf"\g<keep>{HIDDEN}@"),
    (re.compile(r"(?i)\b(?P<keep>bearer|basic)\s+[\w.~+/=-]{6,}"), rf"\g<keep> {HIDDEN}"),
    (re.compile(r"(?P<keep>/(?:reset|invitation|token)/)[^\s'\"]+"), rf"\g<keep>{HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,400}+\.[\w-]++\.[\w-]*+"), HIDDEN),  # a signed web token
    (
        re.compile(
            rf"(?i)(?P<keep>{_KEPT_BACK}(?:[_-]\w{{1,100}}+|s|\d++)?['\"]?\s*+[:=]\s*+)(?!{HIDDEN})"
            r"(?:'[^']*'|\"[^\"]*\"|[^\s,;&'\"]+)"
        ),
        rf"\g<keep>{HIDDEN}",
    ),
    # PostgreSQL repeats the row or the key that it refused.
    (
        re.compile(r"(?m)(?P<keep>DETAIL:)[^\n]*(?:\n(?!CONTEXT:|HINT:|  File |Traceback|\w+(?:\.\w+)*Error)[^\n]+)*"),
        rf"\g<keep> {HIDDEN}",
    ),
)
# Up to the closing mark or the end of the line: what was cut off is a quotation, too.
QUOTED = re.compile(
    rf"(?<!\w)(?:'(?:[^'\\\n]|\\.){{{LONGEST_QUOTE},}}+(?:'|\\?$)|\"(?:[^\"\\\n]|\\.){{{LONGEST_QUOTE},}}+(?:\"|\\?$))",
    re.MULTILINE,
)
WORD = re.compile(r"\w+")
# What a repr writes for a line break or tab would stick to the next word.
ESCAPE = re.compile(r"\\[nrt]")

_private: ContextVar[tuple[str, ...]] = ContextVar("texts that must not be logged", default=())


@contextmanager
def hiding(texts: Iterable[str]) -> Iterator[None]:
    """While students' texts are worked on: whatever a line quotes of them is taken out."""
    token = _private.set((*_private.get(), *texts))
    try:
        yield
    finally:
        _private.reset(token)


def redact(line: str) -> str:
    line = line[:LOOKED_AT]
    for secret in _secrets():
        line = line.replace(secret, HIDDEN)
    for pattern, instead in PATTERNS:
        line = pattern.sub(instead, line)
    line = _without_private(line)
    line = QUOTED.sub(_measure, line)
    return line if len(line) <= LONGEST_LINE else _shorter(line)


def _secrets() -> list[str]:
    """The values of this site's own secrets, in whatever words they turn up."""
    if not settings.configured:
        return []
    found = [getattr(settings, name, "") for name in ("SECRET_KEY", "EMAIL_HOST_PASSWORD", "METRICS_TOKEN")]
    databases: dict[str, dict[str, object]] = getattr(settings, "DATABASES", {})
    found += [str(entry.get("PASSWORD") or "") for entry in databases.values()]
    found.append(unquote(urlsplit(getattr(settings, "CELERY_BROKER_URL", "")).password or ""))
    return [secret for secret in found if len(secret) >= SHORTEST_SECRET]


def _measure(quote: re.Match[str]) -> str:
    # A path or a command line is long, too, and has no blanks in it.
    return f"‹{len(quote[0]) - 2} characters›" if quote[0].count(" ") > 2 else quote[0]


def _shorter(line: str) -> str:
    half = LONGEST_LINE // 2
    return f"{line[:half]} ‹{len(line) - 2 * half} characters› {line[-half:]}"


def _without_private(line: str) -> str:
    """Hide every run of words that also stands in a private text, however it is quoted."""
    texts = _private.get()
    if not texts:
        return line
    plain = ESCAPE.sub("  ", line)
    words = [(word[0].lower(), word.start(), word.end()) for word in WORD.finditer(plain)]
    runs = {run for text in texts for run in _runs([word.lower() for word in WORD.findall(text)])}
    hidden = [False] * len(words)
    for length in {len(run) for run in runs}:
        for at in range(len(words) - length + 1):
            if tuple(word for word, _, _ in words[at : at + length]) in runs:
                hidden[at : at + length] = [True] * length
    return _cut(line, [(start, end) for (_, start, end), gone in zip(words, hidden, strict=True) if gone])


def _runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    """Its runs of words; a shorter text is one run. One word alone is no text that says anything of anybody."""
    length = min(RUN, len(words))
    if length > 1:
        yield from (tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def _cut(line: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        gap = line[at:start]
        if not parts or WORD.search(ESCAPE.sub("", gap)):
            parts += [gap, HIDDEN]
        at = end
    return "".join([*parts, line[at:]])
