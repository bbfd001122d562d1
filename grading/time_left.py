"""How long a grading run will take from here on, by what its workers told of their speed. Pure: no database, no clock.

Scoring and writing have a speed each. The batches at work end when their own rest is done; what is queued goes, a
batch at a time, to the worker that is free first, as it does in truth.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

# Of a text or an answer; less of it says nothing of the speed.
_LEAST_WORK = 0.5
_LEAST_EACH = 1e-6
# Sooner than this, nothing is said of how long something counted takes.
_LEAST_SECONDS = 2.0
# A worker that gives a run less than this share of its time is taken to give it this much.
_LEAST_DUTY = 0.05


@dataclass(frozen=True)
class Part:
    """One worker's part in a run, as it told last.

    Attributes:
        scored, scoring_seconds: answers that it scored in this run, and how long that took.
        written, writing_seconds: the same of texts; one that is under way counts in parts.
        wall_seconds: from the moment that its model was loaded to when it told this.
        age: seconds since then.
        batch: answers of the batch that it is at; 0 between two batches.
        batch_scored, batch_written: how far that batch is.
    """

    scored: float
    scoring_seconds: float
    written: float
    writing_seconds: float
    wall_seconds: float
    age: float
    batch: int
    batch_scored: float
    batch_written: float

    @property
    def duty(self) -> float:
        """The share of its time that it gives to this run: others may take turns with it."""
        busy = self.scoring_seconds + self.writing_seconds
        return min(1.0, max(_LEAST_DUTY, busy / self.wall_seconds)) if self.wall_seconds > 0 else 1.0


@dataclass(frozen=True)
class Outlook:
    """What is to be expected of a run; None where too little is known to say.

    Attributes:
        seconds: to the end of the run.
        rate: answers a minute, all workers together.
    """

    seconds: float | None = None
    rate: float | None = None


def outlook(
    working: Sequence[Part],
    gone: Sequence[Part] = (),
    *,
    queued: int,
    batch_size: int,
    with_feedback: bool,
    joining: Sequence[float] = (),
) -> Outlook:
    """What is to be expected.

    Args:
        working: the parts of workers that mark this run.
        gone: the parts of others, that only tell of the speed.
        queued: answers that nobody is at.
        batch_size: answers that a worker takes at a time.
        joining: for each worker that is about to take part too, the share of its time that it will give to this run.
    """
    everyone = [*working, *gone]
    scoring = _each(sum(part.scored for part in everyone), sum(part.scoring_seconds for part in everyone))
    writing = _each(sum(part.written for part in everyone), sum(part.writing_seconds for part in everyone))
    if not with_feedback:
        writing = 0.0
    if scoring is None or writing is None or not working:
        return Outlook()
    each = scoring + writing
    rate = 60 * sum(part.duty for part in working) / each
    rests = [_rest(part, scoring, writing) for part in working]
    free = [(rest, part.duty) for rest, part in zip(rests, working, strict=True)]
    free += [(batch_size * each, duty) for duty in joining]
    return Outlook(max(*rests, _last_end(free, queued, batch_size, each)), rate)


def counted_left(done: int, of: int, seconds: float) -> float | None:
    """Seconds that the rest of something takes, of which so much was done in so many seconds."""
    if done < 1 or seconds < _LEAST_SECONDS:
        return None
    return max(0, of - done) * seconds / done


def _each(number: float, seconds: float) -> float | None:
    return seconds / number if number >= _LEAST_WORK and seconds / number > _LEAST_EACH else None


def _rest(part: Part, scoring: float, writing: float) -> float:
    """Seconds to the end of the batch that a worker is at. It has gone on since it told how far it is."""
    left = (part.batch - part.batch_scored) * scoring + (part.batch - part.batch_written) * writing
    return max(0.0, left - part.age)


def _last_end(free: Sequence[tuple[float, float]], queued: int, batch_size: int, each: float) -> float:
    """When the last queued answer is done, if workers, free at a time and with a duty, take them in batches."""
    workers = list(free)
    heapq.heapify(workers)
    last = 0.0
    while queued > 0:
        batch = min(batch_size, queued)
        queued -= batch
        begins, duty = workers[0]
        ends = begins + batch * each / duty
        heapq.heapreplace(workers, (ends, duty))
        last = max(last, ends)
    return last
