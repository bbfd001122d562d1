"""docker-compose.yml says the same as the supervisor, so that what is tested here is what runs there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gradingsite.supervisor import Place, web_command, worker_commands

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
CARDS: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text(encoding="utf-8"))["services"]


def test_every_service_is_there() -> None:
    workers = {"worker-marking", "worker-training", "worker-default"}
    assert set(SERVICES) == {"prepare", "web", "beat", "postgres", "redis"} | workers


@pytest.mark.parametrize("queue", ["marking", "training", "default"])
def test_a_worker_runs_the_supervisors_command_line(queue: str, tmp_path: Path) -> None:
    here = next(command for command in worker_commands(tmp_path) if command.name == queue)
    service = SERVICES[f"worker-{queue}"]
    assert service["command"] == ["celery", *here.arguments[3:]]  # after: python -m celery
    assert service["environment"]["REMAP_SIGTERM"] == here.environment["REMAP_SIGTERM"]


def test_the_web_server_runs_with_the_supervisors_options(tmp_path: Path) -> None:
    here = web_command(Place(tmp_path, "0.0.0.0", 8000)).arguments[3:]  # noqa: S104
    there = SERVICES["web"]["command"]
    assert {part for part in here if part.startswith("--")} <= {*there, "--log-level"}
    assert "0.0.0.0:8000" in there


def test_only_the_workers_carry_torch_and_can_have_a_card() -> None:
    targets = {name: service["build"]["target"] for name, service in SERVICES.items() if "build" in service}
    assert {name for name, target in targets.items() if target == "worker"} == {
        "prepare",
        "worker-marking",
        "worker-training",
    }
    assert set(CARDS) == {"worker-marking", "worker-training"}


def test_a_training_gives_way_to_the_other_containers() -> None:
    usual = 1024
    assert SERVICES["worker-training"]["cpu_shares"] < usual / 4
    assert [name for name, service in SERVICES.items() if "cpu_shares" in service] == ["worker-training"]


def test_the_web_extra_installs_no_torch() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    heavy = ("torch", "transformers", "peft", "bitsandbytes", "accelerate")
    assert [item for item in extras["web"] if item.startswith(heavy)] == []
    assert [name for name in heavy if not any(item.startswith(name) for item in extras["worker"])] == []
