"""A process that marks when it is told to, as a worker does, for `mlcore.bench.beside`.

It gets what to load as JSON on its command line, says that it is ready, and then answers each line with a turn's
number by the seconds that marking took, until its standard input closes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mlcore.bench.inputs import answers, assignment
from mlcore.config import BaseConfig
from mlcore.engine import Engine


def main(arguments: Sequence[str]) -> None:
    asked = json.loads(arguments[0])
    # Whatever a library prints must not mix with the answers.
    out, sys.stdout = sys.stdout, sys.stderr
    engine = Engine(BaseConfig(**asked["base"]))
    engine.use(Path(asked["version"]))
    texts = answers(asked["count"])
    engine.mark(assignment(), texts)
    print(json.dumps({"ready": engine.dtype}), file=out, flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        engine.mark(assignment(int(line)), texts)
        print(json.dumps({"seconds": time.perf_counter() - started}), file=out, flush=True)
