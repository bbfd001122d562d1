"""How long a run will take: what the estimate says of runs that are played, second by second, with noise."""

from __future__ import annotations

import bisect
import heapq
import random
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.time_left import Outlook, Part, counted_left, outlook

BATCH = 8
SEEDS = 12
NOTHING = Part(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0)


@dataclass
class Played:
    """A worker in a played run: what it told, and when."""

    began: float = 0.0
    times: list[float] = field(default_factory=list)
    told: list[Part] = field(default_factory=list)
    now: Part = NOTHING

    def tell(self, at: float, **changes: float) -> None:
        self.now = replace(self.now, wall_seconds=at - self.began, **changes)
        self.times.append(at)
        self.told.append(self.now)

    def at(self, time: float) -> Part | None:
        heard = bisect.bisect_right(self.times, time)
        return replace(self.told[heard - 1], age=time - self.times[heard - 1]) if heard else None


@dataclass
class Run:
    """A whole run, played: when it ended, and what could be known at any time."""

    workers: list[Played]
    claims: list[tuple[float, int, int]]
    answers: int
    with_feedback: bool
    ended: float = 0.0

    def estimate(self, time: float) -> Outlook:
        parts = [worker.at(time) for worker in self.workers]
        taken = sum(batch for at, place, batch in self.claims if at <= time and parts[place])
        working = [part for part in parts if part]
        joining = [1.0] * (len(parts) - len(working))
        rest = {"queued": self.answers - taken, "batch_size": BATCH, "with_feedback": self.with_feedback}
        return outlook(working, **rest, joining=joining)


def play(
    seed: int,
    answers: int,
    *,
    workers: int = 1,
    loading: float = 20.0,
    scoring: float = 0.5,
    writing: float = 3.0,
    lengths: float = 0.4,
    with_feedback: bool = True,
) -> Run:
    """Batches of eight: scored in two goes, then written side by side; a text ends when it ends.

    All but the first worker are woken when the first batch is done, as in truth, and load their model first.
    """
    chance = random.Random(seed)
    run = Run([Played() for _ in range(workers)], [], answers, with_feedback)
    free, asleep = [(0.0, 0)], list(range(1, workers))
    usual = 0.6
    while answers:
        time, place = heapq.heappop(free)
        worker, batch = run.workers[place], min(BATCH, answers)
        answers -= batch
        run.claims.append((time, place, batch))
        if not worker.told:
            time = worker.began = time + loading
        time = _score(worker, chance, time, batch, scoring)
        if with_feedback:
            time, usual = _write(worker, chance, time, batch * writing, lengths, usual)
        free += [(time, other) for other in [place, *asleep]]
        asleep = []
        heapq.heapify(free)
        run.ended = max(run.ended, time)
    return run


def _score(worker: Played, chance: random.Random, time: float, batch: int, each: float) -> float:
    """One batch of scores; the time when they are done."""
    worker.tell(time, batch=batch, batch_scored=0, batch_written=0.0)
    for lot in (batch // 2, batch - batch // 2):
        took, now = lot * each * chance.uniform(0.6, 1.4), worker.now
        time += took
        scored = {"scored": now.scored + lot, "scoring_seconds": now.scoring_seconds + took}
        worker.tell(time, **scored, batch_scored=now.batch_scored + lot)
    return time


def _write(
    worker: Played, chance: random.Random, time: float, seconds: float, lengths: float, usual: float
) -> tuple[float, float]:
    """One batch of texts, a token of all at a time; the time when they are done, and how long texts usually get."""
    before, began, told = worker.now, time, time
    most = [min(1.0, max(0.1, chance.gauss(lengths, lengths / 4))) for _ in range(before.batch)]
    a_step = seconds / (100 * lengths) * chance.uniform(0.8, 1.2)
    share = 0.0
    while max(most) > share:
        share += 0.01
        time += a_step
        written = sum(1 if end <= share else min(0.95, share / usual) for end in most)
        if time - told >= 1 or max(most) <= share:
            told = time
            texts = {"written": before.written + written, "writing_seconds": before.writing_seconds + time - began}
            worker.tell(time, **texts, batch_written=written)
    return time, (usual + sum(most) / len(most)) / 2


def swings(run: Run) -> tuple[float, float]:
    """The largest ratio of two estimates of the whole run's time, and of one estimate to the one two seconds later;
    both after the first fifth."""
    whole: list[float] = []
    steps: list[float] = []
    time, earlier = run.ended / 5, None
    while time < run.ended:
        left = run.estimate(time).seconds
        if left is not None:
            whole.append(time + left)
            # Of the last seconds nobody asks how many they are.
            if earlier is not None and earlier > 30:
                steps += [(left + 2) / earlier, earlier / (left + 2)]
        earlier = left
        time += 2
    return max(whole) / min(whole) if whole else 1.0, max(steps, default=1.0)


CASES = [
    {"answers": 21},
    {"answers": 21, "writing": 1.0, "scoring": 2.0},
    {"answers": 30, "workers": 2},
    {"answers": 64, "workers": 2},
    {"answers": 200},
    {"answers": 200, "workers": 2},
    {"answers": 200, "workers": 3},
    {"answers": 200, "with_feedback": False},
    {"answers": 60, "lengths": 0.8},
    {"answers": 40, "loading": 2.0, "lengths": 0.35},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_after_the_first_fifth_it_never_swings_by_more_than_a_factor_of_two(case):
    for seed in range(SEEDS):
        run = play(seed, **case)
        whole, step = swings(run)
        assert whole <= 2, f"seed {seed}: the run's whole time was estimated {whole:.2f} times as long"
        assert step <= 2, f"seed {seed}: from one look to the next by {step:.2f}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_is_near_the_truth_after_the_first_fifth(case):
    for seed in range(SEEDS):
        run = play(seed, **case)
        for share in (0.5, 0.7, 0.9):
            left = run.estimate(share * run.ended).seconds
            assert left is not None
            assert 0.5 <= (share * run.ended + left) / run.ended <= 2


def test_it_is_known_soon_after_the_model_is_loaded():
    run = play(1, 200)
    assert run.estimate(19).seconds is None, "loading the model says nothing about the speed"
    assert run.estimate(30).seconds is not None


PARTS = st.builds(
    Part,
    scored=st.integers(0, 500),
    scoring_seconds=st.floats(0, 5000),
    written=st.floats(0, 500),
    writing_seconds=st.floats(0, 50_000),
    wall_seconds=st.floats(0, 100_000),
    age=st.floats(0, 5000),
    batch=st.integers(0, 64),
    batch_scored=st.integers(0, 64),
    batch_written=st.floats(0, 64),
)
REST = st.fixed_dictionaries(
    {"queued": st.integers(0, 500), "batch_size": st.integers(1, 64), "with_feedback": st.booleans()}
)


@given(st.lists(PARTS, max_size=4), st.lists(PARTS, max_size=4), REST)
def test_whatever_was_told_it_is_a_time_or_nothing(working, gone, rest):
    found = outlook(working, gone, **rest)
    assert (found.seconds is None) == (found.rate is None)
    if found.seconds is not None:
        assert 0 <= found.seconds < float("inf")
        assert 0 < found.rate < float("inf")
        assert working


@given(st.lists(PARTS, min_size=1, max_size=4), REST, st.integers(1, 200))
def test_more_answers_never_take_less_time(working, rest, more):
    less = outlook(working, **rest).seconds
    longer = outlook(working, **rest | {"queued": rest["queued"] + more}).seconds
    assert (less is None) == (longer is None)
    assert less is None or less <= longer


def test_workers_that_are_gone_tell_of_the_speed_and_do_nothing():
    gone = replace(NOTHING, scored=10, scoring_seconds=10.0, written=10.0, writing_seconds=50.0)
    idle = replace(NOTHING, wall_seconds=0.0)
    rest = {"queued": 10, "batch_size": 5, "with_feedback": True}
    assert outlook([], [gone], **rest) == Outlook()
    assert outlook([idle], [gone], **rest) == Outlook(60.0, 10.0)
    assert outlook([idle, idle], [gone], **rest) == Outlook(30.0, 20.0)


def test_a_worker_that_takes_turns_with_another_run_needs_longer():
    part = replace(NOTHING, scored=8, scoring_seconds=8.0, wall_seconds=16.0)
    rest = {"queued": 8, "batch_size": 8, "with_feedback": False}
    assert outlook([part], **rest).seconds == pytest.approx(16)


def test_a_batch_at_work_goes_on_between_two_reports_but_not_beyond_its_end():
    part = replace(NOTHING, scored=4, scoring_seconds=4.0, wall_seconds=4.0, batch=8, batch_scored=4)
    rest = {"queued": 0, "batch_size": 8, "with_feedback": False}
    assert [outlook([replace(part, age=age)], **rest).seconds for age in (0, 3, 60)] == [4, 1, 0]


def test_what_is_counted_goes_on_as_fast_as_it_began():
    assert counted_left(10, 40, 20.0) == 60
    assert counted_left(0, 40, 20.0) is None
    assert counted_left(10, 40, 1.0) is None, "one second tells nothing"
    assert counted_left(41, 40, 20.0) == 0
