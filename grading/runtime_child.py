"""One training in a process of its own, so that a crash, a leak or a full card does not hurt the worker.

    python -m grading.runtime_child JOB.json

With several GPUs `accelerate launch` starts it once for each; the first process reports, and measures the result.

It knows nothing of Django. What it has to say it writes as one JSON object a line on standard output; it stops when it
reads "stop" on standard input, and ends at once when that closes, for then its worker is gone.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from grading.runtime_measure import Measuring, compare
from mlcore import parallel, threads
from mlcore.base import BaseModelError
from mlcore.config import BaseConfig, TrainConfig, TrainProgress, TrainTask
from mlcore.data import TrainingDataError
from mlcore.manifest import AdapterError, Manifest, read_manifest, update_metrics, write_adapter
from mlcore.rows import read_examples
from mlcore.train import TrainingStopped, train

log = logging.getLogger(__name__)

TASK_SECONDS = 0.5  # between two words of how far a task is


@dataclass(frozen=True)
class Job:
    """What the worker asks for.

    Attributes:
        config: the training; its output lies beside the frozen rows, where its checkpoints are kept too.
        result: the adapter directory to make of it.
        marking_base: the base model as it is loaded for marking, on which both versions are measured.
        held_out: rows that neither training nor early stopping sees.
        in_use: the adapter directory of the version in use, to measure beside the new one.
        carry_from: where parts that were not trained are taken from, so that the result can do all that it could.
    """

    config: TrainConfig
    result: Path
    marking_base: BaseConfig
    held_out: Path
    in_use: Path | None
    carry_from: Path | None

    @classmethod
    def read(cls, path: Path) -> Job:
        body = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            config=TrainConfig.from_json(body["config"]),
            result=Path(body["result"]),
            marking_base=BaseConfig(**body["marking_base"]),
            held_out=Path(body["held_out"]),
            in_use=Path(body["in_use"]) if body["in_use"] else None,
            carry_from=Path(body["carry_from"]) if body["carry_from"] else None,
        )


class Reporter:
    """Lines to the worker, and its wish that we stop."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._task, self._task_at = "", 0.0
        self.stopped = threading.Event()

    def listen(self, source: TextIO) -> None:
        if not parallel.leads():
            return  # all processes have the same pipe, and only one of them may take a line out of it
        threading.Thread(target=self._listen, args=(source,), daemon=True).start()

    def _listen(self, source: TextIO) -> None:
        for line in source:
            if line.strip() == "stop":
                self.stopped.set()
        os._exit(3)  # the worker is gone, and somebody else may train this run soon

    def say(self, event: str, **facts: Any) -> None:
        if not parallel.leads():
            return
        print(json.dumps({"event": event, **facts}), file=self._out, flush=True)

    def progress(self, progress: TrainProgress) -> None:
        self.say("progress", **asdict(progress))

    def task(self, task: TrainTask) -> None:
        now = time.monotonic()
        if task.what != self._task or now - self._task_at > TASK_SECONDS:
            self._task, self._task_at = task.what, now
            self.say("task", **asdict(task))

    def measured(self, task: TrainTask) -> None:
        if self.stopped.is_set():
            raise TrainingStopped
        self.task(task)


def run(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Train, put the result in place, and measure it beside the version in use."""
    if not job.result.exists():
        trained = job.config.output
        if not trained.exists():
            train(
                job.config,
                on_progress=reporter.progress,
                on_task=reporter.task,
                should_stop=reporter.stopped.is_set,
            )
        if not parallel.leads():
            return {}
        compose(job, trained)
    reporter.say("evaluating")
    evaluation = compare(
        Measuring(job.marking_base, job.config.train_files, job.config.parts, reporter.measured),
        read_examples(job.held_out),
        job.result,
        job.in_use,
    )
    if evaluation["candidate"]:
        update_metrics(job.result, {"held-out answers": evaluation["candidate"]})
    shutil.rmtree(job.config.output, ignore_errors=True)
    return evaluation


def compose(job: Job, trained: Path) -> None:
    """The result: what was trained, with the parts that were not taken from another version on the same base."""
    new = read_manifest(trained)
    sources = dict.fromkeys(new.parts, trained)
    manifest = replace(new, name=job.result.name)
    if job.carry_from is not None:
        manifest = _with_carried(manifest, job.carry_from, sources)

    def write(directory: Path) -> None:
        for part, source in sources.items():
            for name in manifest.parts[part].files:
                shutil.copyfile(source / name, directory / name)

    write_adapter(job.result, write, manifest)


def _with_carried(manifest: Manifest, carry_from: Path, sources: dict[str, Path]) -> Manifest:
    try:
        old = read_manifest(carry_from)
        old.require_base(manifest.base.name, manifest.base.revision)
    except AdapterError:
        return manifest  # another base, or damaged: the result stands alone
    carried = {name: part for name, part in old.parts.items() if name not in sources}
    sources.update(dict.fromkeys(carried, carry_from))
    licences = tuple(dict.fromkeys([*manifest.licences, *(old.licences if carried else ())]))
    return replace(manifest, parts={**manifest.parts, **carried}, licences=licences)


def main(arguments: Sequence[str]) -> int:
    threads.step_back()
    reporter = Reporter(sys.stdout)
    # Whatever a library prints must not mix with the lines of the protocol.
    sys.stdout = sys.stderr
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    reporter.listen(sys.stdin)
    try:
        reporter.say("done", evaluation=run(Job.read(Path(arguments[0])), reporter))
    except TrainingStopped:
        reporter.say("stopped")
    except TrainingDataError as error:
        reporter.say("error", code="training_data", detail=str(error))
    except AdapterError as error:
        reporter.say("error", code="adapter_unreadable", detail=str(error))
    except BaseModelError as error:
        reporter.say("error", code="base_unreadable", detail=str(error))
    except MemoryError as error:
        reporter.say("error", code="out_of_memory", detail=str(error))
    except Exception as error:  # said to the admin in words instead of with an exit code
        log.exception("the training failed")
        out_of_memory = type(error).__name__ == "OutOfMemoryError"
        code = "out_of_memory" if out_of_memory else "training_failed"
        reporter.say("error", code=code, detail=f"{type(error).__name__}: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
