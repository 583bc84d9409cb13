"""DID URL dereferencing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DereferencingOptions:
    """What to look for."""

    accept: str | None = None


@dataclass(frozen=True, slots=True)
class DereferencingResult:
    """What was found."""

    content: Any


DEFAULTS = DereferencingOptions()


def dereference(
    did_url: str, options: DereferencingOptions, *, resolve: Any
) -> DereferencingResult:
    """Dereference."""
    raise NotImplementedError
