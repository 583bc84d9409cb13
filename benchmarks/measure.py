"""Medians of functions that are called in turn, so that the noise of a machine meets all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Clock = Callable[[], float]
Work = Callable[[], object]

_BATCH = 0.01
"""Seconds that one batch of calls should take: long enough for the clock, and for warm caches."""
_LARGEST_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: What was measured.
        value: The figure that the target speaks of, in `unit`.
        unit: ``x`` (times) the reference's rate, ``/s``, ``ms``, ``kB``; or ``µs``.
        detail: The medians behind the figure.
        target: What the figure must reach; None where there is none.
        at_most: Whether the figure must stay below the target.
    """

    name: str
    value: float
    unit: str
    detail: str = ""
    target: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        if self.target is None:
            return None
        return self.value <= self.target if self.at_most else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds a call, of every function in every round."""

    of: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        """Return the median seconds of one call."""
        return median(self.of[name])

    def rate(self, name: str, reference: str) -> float:
        """Return the rate of one function as a multiple of another's: the median over rounds."""
        pairs = zip(self.of[reference], self.of[name], strict=True)
        return median(theirs / ours for theirs, ours in pairs)

    def row(self, title: str, name: str, reference: str, target: float | None = None) -> Row:
        """Return the row that compares a function with its reference."""
        detail = f"{shown(self.median(name))} against {shown(self.median(reference))}, {reference}"
        return Row(title, self.rate(name, reference), "x", detail, target)


def interleaved(
    functions: Mapping[str, Work], *, rounds: int, clock: Clock = time.process_time
) -> Times:
    """Call functions in turn, round by round.

    Args:
        functions: What to call, by name.
        rounds: How often each has its turn.
        clock: CPU time of this process, so that other programs do not count; wall-clock time for
            what waits for a disk.
    """
    counts = {name: _calls_a_batch(work, clock) for name, work in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, work in functions.items():
            times[name].append(_batch(work, counts[name], clock))
    return Times({name: tuple(values) for name, values in times.items()})


def _calls_a_batch(work: Work, clock: Clock) -> int:
    work()  # loads what is loaded when first used
    once = min(_batch(work, 1, clock) for _ in range(3))
    return max(1, min(_LARGEST_BATCH, int(_BATCH / max(once, 1e-7))))


def _batch(work: Work, count: int, clock: Clock) -> float:
    calls = range(count)
    start = clock()
    for _ in calls:
        work()
    return (clock() - start) / count


def shown(seconds: float) -> str:
    """Return a time as text, in the unit that suits it."""
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"
