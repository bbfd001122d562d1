"""Two processes that train one model together come to the weights and losses of one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mlcore import parallel
from mlcore.config import BaseConfig, LoraConfig, TrainConfig
from mlcore.manifest import read_manifest
from mlcore.train import train

pytestmark = pytest.mark.slow
LAUNCH = ["-m", "accelerate.commands.launch", "--multi_gpu", "--num_machines", "1"]
PLAIN = ["--mixed_precision", "no", "--dynamo_backend", "no"]


@pytest.fixture
def config(tmp_path: Path, tiny_base: Path) -> TrainConfig:
    rows = [
        {
            "id": f"{q}/{a}",
            "question_id": f"q{q}",
            "question": f"Why do plants wilt, part {q}?",
            "answer": ("because water is lost" if a % 2 else "no idea at all") + " so" * a,
            "score": a % 2,
            "feedback": "Well done." if a % 2 else "Read again.",
        }
        for q in range(5)
        for a in range(7)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TrainConfig(
        output=tmp_path / "adapter",
        train_files=(file,),
        base=BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu"),
        method="lora",
        lora=LoraConfig(rank=4, alpha=8),
        learning_rate=5e-3,
        epochs=3,
        feedback_epochs=1,
        batch_size=10,
        pack_answers=3,  # several packs in a step, so that there is something to share
        validation_share=0.2,
        evaluations=2,
        patience=0,
    )


def launched(config: TrainConfig, processes: int, where: Path) -> Path:
    output = where / f"by-{processes}"
    path = where / f"{processes}.json"
    path.write_text(json.dumps({**replace(config, output=output).to_json()}, default=str))
    command = [
        sys.executable,
        *LAUNCH,
        "--num_processes",
        str(processes),
        "-m",
        "mlcore",
        "train",
        "--config",
        str(path),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip().splitlines()[-1] == str(output)
    return output


def weights(directory: Path) -> dict[str, torch.Tensor]:
    found = {}
    for part in ("scorer", "scorer_head", "feedback"):
        found |= {f"{part}/{key}": value for key, value in load_file(directory / f"{part}.safetensors").items()}
    return found


def losses(directory: Path) -> list[Any]:
    parts = read_manifest(directory).parts
    return [entry["loss"] for part in parts.values() for entry in part.settings["history"]]


def test_two_processes_learn_what_one_does(config: TrainConfig, tmp_path: Path) -> None:
    alone, together = train(config), launched(config, 2, tmp_path)
    assert [read_manifest(one).training["processes"] for one in (alone, together)] == [1, 2]
    assert losses(together) == pytest.approx(losses(alone), rel=1e-3)
    expected, found = weights(alone), weights(together)
    assert expected.keys() == found.keys()
    moved = sum(float(value.abs().sum()) for key, value in expected.items() if "lora_B" in key)
    assert moved > 0  # B begins at 0: the training has changed something
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=2e-2, atol=2e-3, msg=key)
    assert not (tmp_path / "by-2.partial").exists()


def test_one_process_alone_sums_agrees_and_leads() -> None:
    weight = torch.ones(2, requires_grad=True)
    assert parallel.sum_gradients([weight], 3.0) == 3.0
    assert weight.grad is None
    assert (parallel.agree("x"), parallel.collect(1), parallel.leads(), parallel.processes()) == ("x", [1], True, 1)
