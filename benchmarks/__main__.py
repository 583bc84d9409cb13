"""Measure, and print a table."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cityid
from benchmarks import chain, doors, forms, gas, histories, lists, processes, stores
from benchmarks.measure import Row
from cityid import display

GROUPS: Mapping[str, Callable[[int], Iterator[Row]]] = {
    "eddsa": doors.eddsa,
    "ecdsa": doors.ecdsa,
    "keys": doors.raw,
    "rdf": forms.rdf,
    "json": forms.text,
    "did": stores.resolving,
    "webvh": histories.resolving,
    "registry": stores.registries,
    "registry-large": stores.large_registry,
    "status": lists.lists,
    "gas": gas.gas,
    "chain": chain.chain,
    "process": processes.starting,
    "memory": processes.memory,
}
_WHEN_NAMED = {"registry-large", "chain"}
"""What takes minutes or a node, and is measured only where it is asked for."""
_MARKS = {None: "", True: "✓", False: "✗"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", help=f"what to measure: {', '.join(GROUPS)}")
    parser.add_argument("--rounds", type=int, default=60, help="how often each has its turn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--enforce", action="store_true", help="fail where a target is missed")
    options = parser.parse_args(arguments)
    chosen = options.groups or [name for name in GROUPS if name not in _WHEN_NAMED]
    if unknown := set(chosen) - set(GROUPS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    rows = [row for name in chosen for row in GROUPS[name](options.rounds)]
    title = f"cityid {cityid.__version__}, {platform.python_implementation()} "
    print(display.table(title + platform.python_version(), _COLUMNS, map(_line, rows)))
    if options.json is not None:
        options.json.write_text(json.dumps(list(map(_as_json, rows)), indent=2), encoding="utf-8")
    missed = [row.name for row in rows if row.met is False]
    return 1 if options.enforce and missed else 0


_COLUMNS = ("measured", "figure", "target", "", "medians")


def _line(row: Row) -> tuple[str, ...]:
    bound = "≤" if row.at_most else "≥"
    target = "" if row.target is None else f"{bound} {_figure(row.target, row.unit)}"
    return row.name, _figure(row.value, row.unit), target, _MARKS[row.met], row.detail


def _figure(value: float, unit: str) -> str:
    digits = 3 if abs(value) < 1 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f} {unit}"


def _as_json(row: Row) -> dict[str, Any]:
    names = ("name", "value", "unit", "detail", "target", "at_most", "met")
    return {name: getattr(row, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
