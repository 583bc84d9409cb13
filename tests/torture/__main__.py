"""Torture registries: ``python -m torture [kills|damage|crowd|schedules|chain|chain-live ...]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torture import chain, chain_live, crowd, damage, kills, schedules

SWIFT = Path("/dev/shm")  # noqa: S108 - a disk in memory, where nothing is asked about durability


@dataclass(frozen=True, slots=True)
class Torture:
    """One kind of torture.

    Attributes:
        run: Does it, by seed, amount and folder, and tells what was seen, step by step.
        amount: What the amount is.
        long: The amount in the long form.
        short: The amount in the tests.
        counts: What progress is counted in.
        swift: Whether it runs on a disk in memory, where there is one.
    """

    run: Callable[[int, int, Path], Iterator[Counter[str]]]
    amount: str
    long: int
    short: int
    counts: str
    swift: bool


TORTURES = {
    "kills": Torture(kills.run, "moments of killing", 1000, 50, "moments", swift=False),
    "damage": Torture(damage.run, "every n-th offset", 1, damage.STEP, "cases", swift=True),
    "crowd": Torture(crowd.run, "appends of each process", 1000, 100, "processes", swift=False),
    "schedules": Torture(schedules.run, "schedules", 10_000, 500, "schedules", swift=True),
    "chain": Torture(chain.run, "schedules", 2000, 500, "schedules", swift=True),
    "chain-live": Torture(chain_live.run, "sessions", 24, 1, "sessions", swift=False),
}


def say(line: str) -> None:
    """Write a line at once, so that a long run can be watched."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def torture(name: str, seed: int, amount: int) -> bool:
    """Run one torture, print what was seen, and return whether every promise was kept."""
    this = TORTURES[name]
    seen: Counter[str] = Counter()
    started = told = time.monotonic()
    say(f"{name}: {this.amount} {amount}, seed {seed}")
    folder = SWIFT if this.swift and SWIFT.is_dir() else None
    kept = True
    with tempfile.TemporaryDirectory(dir=folder, prefix="torture-") as place:
        try:
            for step in this.run(seed, amount, Path(place)):
                seen += step
                if time.monotonic() - told > 10:
                    told = time.monotonic()
                    say(f"  {seen[this.counts]:>8,} {this.counts}")
        except Exception:  # noqa: BLE001 - whatever came is told, with how to repeat it
            say(traceback.format_exc())
            options = again(name, seed, amount, seen)
            say(f"repeat with: PYTHONPATH=tests python -m torture {name} {options}")
            kept = False
    for what, count in sorted(seen.items()):
        say(f"  {count:>8,}  {what}")
    verdict = "every promise was kept" if kept else "A PROMISE WAS BROKEN"
    say(f"{name}: {verdict} ({time.monotonic() - started:.1f} s)")
    return kept


def again(name: str, seed: int, amount: int, seen: Counter[str]) -> str:
    """Return the options that do the same again; of many schedules the one that failed."""
    if TORTURES[name].counts == "schedules":
        return f"--seed {seed + seen['schedules']} --amount 1"
    return f"--seed {seed} --amount {amount}"


def main() -> int:
    """Run from the command line; the exit status tells whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TORTURES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--amount", type=int, help="how much, instead of the long form")
    parser.add_argument("--short", action="store_true", help="as much as in the tests")
    arguments = parser.parse_args()
    names = arguments.names or list(TORTURES)
    if unknown := set(names) - set(TORTURES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    kept = True
    for name in names:
        usual = TORTURES[name].short if arguments.short else TORTURES[name].long
        kept &= torture(name, arguments.seed, arguments.amount or usual)
    return not kept


if __name__ == "__main__":
    sys.exit(main())
