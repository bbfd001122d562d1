"""A short training in a process of its own, which steps back as the site's does: python -m mlcore.bench.trainee

It gets the base as JSON on its command line and says on standard output when its first step is done, and its end.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mlcore.bench.training import on_made_up_rows
from mlcore.config import BaseConfig, Method, TrainConfig, TrainProgress
from mlcore.threads import step_back
from mlcore.train import train


def main(arguments: Sequence[str]) -> None:
    step_back()
    asked = json.loads(arguments[0])
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(progress: TrainProgress) -> None:
        if progress.stage == "scorer" and progress.step == 1:
            print("begun", file=out, flush=True)

    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        train(on_made_up_rows(_config(BaseConfig(**asked["base"])), Path(directory), asked["count"]), on_progress=tell)
    print("done", file=out, flush=True)


def _config(base: BaseConfig) -> TrainConfig:
    method: Method = "lora" if base.quantisation == "none" else "qlora"
    return TrainConfig(Path("adapter"), (Path("rows.jsonl"),), base, method=method, parts=("scorer",), batch_size=8)


if __name__ == "__main__":
    main(sys.argv[1:])
