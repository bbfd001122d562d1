"""The parent's side of courses.extraction.child: one reading process, started when first needed."""

from __future__ import annotations

import contextlib
import os
import selectors
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from courses.extraction.kinds import Kind
from courses.extraction.limits import LIMITS, Unreadable

# Before every message stands its length.
LENGTH = struct.Struct(">I")
_LETTERS = {Kind.PDF: b"P", Kind.DOCX: b"D", Kind.ODT: b"O"}
_ROOT = Path(__file__).resolve().parents[2]
_PIECE = 65536


class DocumentReader:
    """Reads one document at a time; whatever happens to the process, the next document gets a new one."""

    def __init__(self, seconds: float = LIMITS.seconds) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, kind: Kind, data: bytes) -> str:
        """
        Raises:
            Unreadable
        """
        with self._lock:
            try:
                reply = self._ask(_LETTERS[kind] + data)
            except TimeoutError as error:
                self.close()
                raise Unreadable("too_slow") from error
            except OSError as error:
                # The process died on this file: out of memory, mostly.
                self.close()
                raise Unreadable("broken") from error
        if reply[:1] != b"T":
            raise Unreadable(reply[1:].decode())
        return reply[1:].decode("utf-8")

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # What was still to be written has nobody to read it.
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def _ask(self, message: bytes) -> bytes:
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        process.stdin.write(LENGTH.pack(len(message)) + message)
        process.stdin.flush()
        deadline = time.monotonic() + self._seconds
        (length,) = LENGTH.unpack(_take(process.stdout, LENGTH.size, deadline))
        return _take(process.stdout, length, deadline)

    def _running(self) -> subprocess.Popen[bytes]:
        """The process; a new one after a fork too, since two parents cannot share its pipes."""
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "courses.extraction.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                # It gets no secrets: neither the database's address nor the site's key.
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"},
            )
        return self._process


def _take(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    taken = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while len(taken) < size:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            piece = os.read(pipe.fileno(), min(_PIECE, size - len(taken)))
            if not piece:
                raise BrokenPipeError
            taken += piece
    return bytes(taken)
