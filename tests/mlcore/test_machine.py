"""The cores that a process may use: those it is bound to, and no more than its control groups pay for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcore.machine import cpu_quota, machine_name, processor, usable_cores


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file system of our own, on a machine with eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="ascii")


def second_version(root: Path, path: str, limit: str) -> None:
    write(root, f"sys/fs/cgroup/{path}/cpu.max", limit)


def first_version(root: Path, path: str, quota: int, period: int = 100_000) -> None:
    write(root, f"sys/fs/cgroup/cpu,cpuacct/{path}/cpu.cfs_quota_us", f"{quota}\n")
    write(root, f"sys/fs/cgroup/cpu,cpuacct/{path}/cpu.cfs_period_us", f"{period}\n")


def test_without_a_quota_it_is_the_cores_that_the_process_is_bound_to(root: Path) -> None:
    assert usable_cores(root) == 8
    write(root, "proc/self/cgroup", "0::/\n")
    second_version(root, "", "max 100000\n")
    assert (usable_cores(root), cpu_quota(root)) == (8, None)


@pytest.mark.parametrize(("limit", "cores"), [("300000 100000", 3), ("250000 100000", 2), ("50000 100000", 1)])
def test_a_quota_of_version_2_counts_in_whole_cores_and_leaves_one(root: Path, limit: str, cores: int) -> None:
    write(root, "proc/self/cgroup", "0::/\n")
    second_version(root, "", limit)
    assert usable_cores(root) == cores


def test_a_quota_of_version_1_counts(root: Path) -> None:
    write(root, "proc/self/cgroup", "4:memory:/box\n3:cpu,cpuacct:/box\n")
    first_version(root, "box", -1)
    assert usable_cores(root) == 8
    first_version(root, "box", 400_000)
    assert usable_cores(root) == 4


def test_the_limits_of_the_groups_above_count_too(root: Path) -> None:
    write(root, "proc/self/cgroup", "0::/site.slice/worker.service\n")
    second_version(root, "site.slice/worker.service", "600000 100000\n")
    assert usable_cores(root) == 6
    second_version(root, "site.slice", "200000 100000\n")
    assert usable_cores(root) == 2


def test_in_a_container_the_topmost_group_is_the_process_s_own_whatever_the_host_calls_it(root: Path) -> None:
    write(root, "proc/self/cgroup", "3:cpu,cpuacct:/docker/0123456789ab\n")
    first_version(root, "", 300_000)
    assert usable_cores(root) == 3


def test_a_quota_above_the_binding_gives_no_more_cores(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5, 6}, raising=False)
    write(root, "proc/self/cgroup", "0::/\n")
    second_version(root, "", "400000 100000\n")
    assert usable_cores(root) == 2


@pytest.mark.parametrize("nonsense", ["", "much", "100000", "100000 0", "x y"])
def test_a_limit_that_cannot_be_read_is_none(root: Path, nonsense: str) -> None:
    write(root, "proc/self/cgroup", "0::/\n")
    second_version(root, "", nonsense)
    assert usable_cores(root) == 8


def test_two_groups_of_one_machine_have_the_same_name_and_the_next_boot_another(tmp_path: Path) -> None:
    write(tmp_path, "proc/sys/kernel/random/boot_id", "3b7ac058\n")
    assert machine_name(tmp_path) == "3b7ac058"
    assert machine_name(tmp_path / "a machine that has no such file") != ""


def test_a_processor_is_told_from_another_by_what_it_can_do(tmp_path: Path) -> None:
    write(tmp_path, "proc/cpuinfo", "processor: 0\nmodel name: Xeon\nflags: avx2\n\nprocessor: 1\nmodel name: Xeon\n")
    old = processor(tmp_path)
    assert old.startswith("Xeon · ")
    write(tmp_path, "proc/cpuinfo", "processor: 0\nmodel name: Xeon\nflags: avx2 avx512_bf16\n")
    assert processor(tmp_path) != old
    write(tmp_path, "proc/cpuinfo", "processor: 1\ncpu MHz: 2\nmodel name: Xeon\nflags: avx2\n")
    assert processor(tmp_path) == old, "which core was asked, and how fast it runs just now, says nothing"
