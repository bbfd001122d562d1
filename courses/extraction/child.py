"""The process in which documents are read: `python -m courses.extraction.child`.

A PDF or Word file is a program of sorts, and a bad one can ask for all memory or never end. So it is read here, with
bounded memory, by a process that the parent kills when its time is up.

Both ways, a message is its length (4 bytes, big-endian) and then its bytes: in, one letter for the kind and the
file; out, one letter T (text) or U (code of why it is unreadable) and UTF-8.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import BinaryIO

from courses.extraction.documents import docx_text, odt_text
from courses.extraction.limits import LIMITS, Limits, Unreadable
from courses.extraction.pdfs import pdf_text
from courses.extraction.reader import LENGTH

READERS: dict[bytes, Callable[[bytes, Limits], str]] = {b"P": pdf_text, b"D": docx_text, b"O": odt_text}


def answer(message: bytes) -> bytes:
    try:
        text = READERS[message[:1]](message[1:], LIMITS)
    except Unreadable as reason:
        return b"U" + reason.code.encode()
    except MemoryError:
        return b"Utoo_large"
    except Exception:  # noqa: BLE001
        # Damaged files make the parsers raise nearly everything there is; the person is told that it is damaged.
        return b"Ubroken"
    return b"T" + text.encode("utf-8", errors="ignore")


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        message = source.read(LENGTH.unpack(head)[0])
        # The parent kills it in time; where the parent is gone, the alarm does.
        signal.alarm(int(LIMITS.seconds) + 2)
        reply = answer(message)
        signal.alarm(0)
        sink.write(LENGTH.pack(len(reply)) + reply)
        sink.flush()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (LIMITS.memory_bytes, LIMITS.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file, whatever a document makes it try
    os.nice(5)
    serve(sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
