from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore import cli
from mlcore.bench import QUICK, beside, run_bench, trainer
from mlcore.bench.inputs import answers, assignment
from mlcore.bench.ours import Writer, held_bytes
from mlcore.bench.peers import PlainTransformers
from mlcore.bench.timing import Timed, by_turns
from mlcore.config import BaseConfig
from mlcore.engine import Engine


def test_the_answers_are_the_same_in_every_run() -> None:
    assert answers(5) == answers(5)
    assert answers(8)[:5] == answers(5)
    assert len({answer.text for answer in answers(64)}) > 50


def test_each_repeat_has_a_prefix_of_its_own() -> None:
    assert assignment(1).text != assignment(2).text


def test_work_is_timed_by_turns_after_a_warm_up() -> None:
    calls: list[str] = []
    ours, peer = by_turns(
        2, lambda repeat: calls.append(f"ours {repeat}"), lambda repeat: calls.append(f"peer {repeat}")
    )
    assert calls == ["ours 0", "peer 0", "ours 1", "peer 1", "ours 2", "peer 2"]
    assert len(ours.seconds) == len(peer.seconds) == 2


def test_work_that_is_warm_is_timed_at_once() -> None:
    calls: list[int] = []
    ours, _ = by_turns(1, calls.append, calls.append, warm_up=False)
    assert calls == [1, 1]
    assert len(ours.seconds) == 1


def test_the_middle_repeat_counts() -> None:
    timed = Timed("result", [3.0, 1.0, 10.0])
    assert timed.median == 3.0
    assert timed.spread() == "1.00 to 10.00 s in 3 repeats"


def test_the_plain_way_gives_the_marks_of_the_engine(tiny_base: Path, tiny_adapter: Path) -> None:
    config = BaseConfig(tiny_base, compute_dtype="float32", device="cpu")
    plain, engine = PlainTransformers(config, tiny_adapter), Engine(config)
    engine.use(tiny_adapter)
    question, texts = assignment(), answers(11)
    ours = [proposal.score for proposal in engine.mark(question, texts, feedback=False)]
    assert plain.scores(question, texts) == pytest.approx(ours, abs=1e-5)


def test_both_ways_write_as_many_tokens_as_they_are_told(tiny_base: Path, tiny_adapter: Path) -> None:
    config = BaseConfig(tiny_base, device="cpu")
    assert PlainTransformers(config, tiny_adapter).write(assignment(), answers(11), 2.0, most=4) == 44
    assert PlainTransformers(config, tiny_adapter, "bfloat16").write(assignment(), answers(11), 2.0, most=4) == 44
    assert Writer(config, tiny_adapter).write(assignment(), answers(11), 2.0, most=4) == 44


def test_memory_counts_each_weight_once(tiny_base: Path, tiny_adapter: Path) -> None:
    config = BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu", expand="no")
    model = PlainTransformers(config, tiny_adapter).model
    counted = sum(weight.nbytes for weight in model.base.model.parameters())
    buffers = sum(buffer.nbytes for buffer in model.base.model.buffers())
    # Embedding and language-model head are one tensor, which parameters() names once.
    assert held_bytes(model) == counted + buffers


def test_memory_counts_packed_weights(tiny_base: Path, tiny_adapter: Path) -> None:
    config = BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu")
    plain = held_bytes(PlainTransformers(replace(config, expand="no"), tiny_adapter).model)
    assert held_bytes(Writer(config, tiny_adapter).model) == plain


def test_our_loop_learns_what_the_plain_trainer_learns(tiny_base: Path) -> None:
    """The same losses after the same batches, from the same start."""
    config = BaseConfig(tiny_base, quantisation="none", compute_dtype="float32", device="cpu")
    ours, peer = trainer.both(config, 6)
    assert len(ours.losses) == len(peer.losses) == 6
    assert ours.losses == pytest.approx(peer.losses, abs=2e-3)
    assert len({round(loss, 3) for loss in ours.losses}) > 1
    assert min(ours.examples_per_second, peer.examples_per_second) > 0


def test_a_row_says_what_was_measured_against_what(tiny_base: Path, tiny_adapter: Path) -> None:
    result = run_bench(BaseConfig(tiny_base, device="cpu"), tiny_adapter, size=QUICK, profile=True)
    assert [row["unit"] for row in result.rows] == ["answers/s", "tokens/s", "tokens/s", "MB"]
    keys = {"name", "unit", "ours", "peer", "peer_name", "ratio", "target"}
    assert all(set(row) == keys for row in result.rows)
    scoring, _, server, memory = result.rows
    assert scoring["name"] == f"scoring {QUICK.scored} answers of one assignment"
    assert scoring["ratio"] == pytest.approx(scoring["ours"] / scoring["peer"], rel=0.01)
    assert memory["ours"] < memory["peer"]
    assert (server["peer"], server["ratio"]) == (None, None)
    assert "not named" in server["peer_name"]
    assert "aten::" in result.profile


def test_the_command_prints_a_table_and_saves_the_rows(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "bench.json"
    arguments = ["bench", "--quick", "--model", tiny_adapter, "--base", tiny_base, "--device", "cpu", "--json", saved]
    assert cli.main([str(argument) for argument in arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["work", "ours", "peer", "unit", "ratio", "target"]
    assert lines[1].startswith(f"scoring {QUICK.scored} answers of one assignment, against transformers + peft")
    assert any(line.endswith("not measured") for line in lines)
    assert len(json.loads(saved.read_text())) == 4


@pytest.mark.slow
def test_marking_is_measured_beside_busy_processes_and_a_training(
    tiny_base: Path, tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "beside.json"
    arguments = ["bench", "--beside", "1", "--quick", "--model", tiny_adapter, "--base", tiny_base, "--json", saved]
    assert cli.main([str(argument) for argument in [*arguments, "--device", "cpu"]]) == 0
    rows = json.loads(saved.read_text())
    assert [row["target"] for row in rows] == [0.97, 1.0, 0.4, 0.4]
    assert [row["peer_name"] for row in rows[2:]] == ["itself alone", "itself alone"]
    assert all(row["ours"] > 0 and row["ratio"] == pytest.approx(row["ours"] / row["peer"], rel=0.01) for row in rows)
    assert "both ended" in capsys.readouterr().out


def test_the_busy_processes_end_with_the_benchmark() -> None:
    def busy() -> list[int]:
        found = subprocess.run(["pgrep", "-P", str(os.getpid())], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    with pytest.raises(KeyError), beside._busy(2):
        raise KeyError
    assert [pid for pid in busy() if b"ends = time.monotonic()" in Path(f"/proc/{pid}/cmdline").read_bytes()] == []


def test_beside_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "--beside", "0"]) == cli.USER_ERROR
    assert "at least one busy process" in capsys.readouterr().err
