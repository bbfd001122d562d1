"""llama.cpp's server beside the engine's writing: the same base as GGUF, without an adapter, which spares it work."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from mlcore.bench.timing import Timed

# Of 4, 8, 16 and 32 the number that was the fastest.
SLOTS = 8
_STARTS_WITHIN, _ANSWERS_WITHIN = 60, 600


class ServerError(RuntimeError):
    """The server did not start, or did not answer as it should."""


@dataclass(frozen=True)
class Server:
    """Where the program and its model lie."""

    program: Path
    gguf: Path


def timed(server: Server, repeats: Sequence[Sequence[list[int]]], most: int) -> Timed[int]:
    """Seconds for each repeat's prompts, `most` tokens for each of them; the first repeat is the warm-up.

    Raises:
        ServerError: see there.
    """
    longest = max(len(prompt) for prompts in repeats for prompt in prompts) + most + 1
    found = Timed(0)
    with _running(server, longest) as address, ThreadPoolExecutor(SLOTS) as people:
        for prompts in repeats:
            started = time.perf_counter()
            written = sum(people.map(lambda ids: _ask(address, ids, most), prompts))
            found = Timed(written, [*found.seconds, time.perf_counter() - started])
    return Timed(found.result, found.seconds[1:])


@contextmanager
def _running(server: Server, longest: int) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    threads = str(torch.get_num_threads())
    command = [str(server.program), "-m", str(server.gguf), "--host", "127.0.0.1", "--port", str(port), "-t", threads]
    command += ["-tb", threads, "-np", str(SLOTS), "-c", str(SLOTS * longest), "--cont-batching"]
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310 (our own address)
                return
        except OSError:
            time.sleep(0.2)
    raise ServerError("llama.cpp's server did not start")


def _ask(address: str, ids: list[int], most: int) -> int:
    body = {"prompt": ids, "n_predict": most, "temperature": 0, "ignore_eos": True, "cache_prompt": True}
    request = urllib.request.Request(  # noqa: S310 (our own address)
        f"{address}/completion", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN) as answer:  # noqa: S310
            written = int(json.load(answer)["tokens_predicted"])
    except (OSError, ValueError, KeyError) as error:
        raise ServerError(f"llama.cpp's server did not answer: {error}") from error
    if written != most:
        raise ServerError(f"llama.cpp's server wrote {written} tokens and not {most}")
    return written
