"""The published vectors: where they lie, and how tests name and count them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(
    os.environ.get("CITYID_VECTORS") or Path(__file__).resolve().parents[2] / "shared" / "vectors"
)


def folder(name: str) -> Path | None:
    """Return the folder of published vectors, or None where it is missing."""
    path = ROOT / name
    return path if path.is_dir() else None


def files(name: str, pattern: str) -> list[Path]:
    """Return the vector files of a folder that match a glob, sorted; none where it is missing."""
    path = folder(name)
    return sorted(path.glob(pattern)) if path else []


def load(name: str, file: str) -> Any:
    """Return the JSON of one vector file; None where the folder is missing."""
    path = folder(name)
    return json.loads((path / file).read_text(encoding="utf-8")) if path else None


def case(name: str, *values: Any, id: str | None = None) -> Any:  # noqa: A002 - pytest's own name
    """Return one parametrized case that counts as one vector of the folder `name`."""
    return pytest.param(*values, id=id, marks=pytest.mark.vectors(name))
