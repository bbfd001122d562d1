"""Llama-2's full shapes with random weights on a card: the recipes train and mark, in the memory that is estimated.

Prints what docs/gpu.md wants (run with -s). Needs disk for the checkpoint: 13 GB for 7B, 26 GB for 13B.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mlcore.bench.training import bench_training
from mlcore.config import TrainConfig
from mlcore.estimate import MEMORY_RANGE
from tests.mlcore.llama2 import LLAMA2, write_checkpoint

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA card here")]
RECIPES = Path(__file__).parents[2] / "mlcore" / "recipes"


@pytest.mark.parametrize("size", ["7b", "13b"])
def test_a_recipe_trains_and_marks_at_full_size(size: str, tmp_path: Path) -> None:
    config = TrainConfig.from_json(json.loads((RECIPES / f"llama2_{size}.json").read_text(encoding="utf-8")))
    directory = tmp_path / f"llama-2-{size}"
    base = replace(config.base, directory=directory, device="cuda")
    _need_memory(size, tmp_path)
    write_checkpoint(directory, LLAMA2[size], device="cuda")
    torch.cuda.empty_cache()

    found = bench_training(replace(config, base=base))
    sys.stdout.write(f"\nLlama-2 {size}, random weights: {found}\n")

    assert found.steps > 0
    assert found.marks_per_second > 0
    assert found.training_bytes < MEMORY_RANGE[1] * found.estimated_bytes
    assert found.marking_bytes < found.training_bytes


def _need_memory(size: str, tmp_path: Path) -> None:
    """Skip where card or disk are too small."""
    weights = 2 * 7_000_000_000 if size == "7b" else 2 * 13_100_000_000
    free, _ = torch.cuda.mem_get_info()
    if free < 1.1 * weights or shutil.disk_usage(tmp_path).free < 1.1 * weights:
        pytest.skip(f"card or disk are too small for {size}")
