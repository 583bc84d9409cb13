"""The picture of a recognition: authorities and issuers, and the lines between them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from cityid import display
from cityid.report import Outcome

if TYPE_CHECKING:
    from cityid.trust.walk import Recognition

_WORDS = {
    Outcome.PASSED: ("✓ recognised", "green"),
    Outcome.FAILED: ("✗ not recognised", "red"),
    Outcome.INCONCLUSIVE: ("? nobody can tell", "amber"),
}
_MOST_SHOWN = 40


def edges(found: Recognition) -> tuple[display.Edge, ...]:
    """Return the lines of every list that was read: who recognises whom, to do what.

    Args:
        found: The finding.
    """
    steps = set(pairwise(found.path))
    return tuple(
        display.Edge(
            each.authority,
            line.entity,
            " ".join(filter(None, (line.action, line.for_type, "·".join(line.jurisdictions)))),
            strong=(each.authority, line.entity) in steps,
        )
        for each in found.lists
        for line in each.actions
    )[:_MOST_SHOWN]


def card(found: Recognition) -> display.HTML:
    """Return a recognition as a card with its graph.

    Args:
        found: The finding.
    """
    asked = found.asked
    facts = [
        ("issuer", found.issuer),
        ("authority", asked.authority),
        ("for the type", asked.for_type),
        ("in", asked.jurisdiction or "any jurisdiction"),
        ("as of", found.at.isoformat()),
        *([("because", found.problem.title)] if found.problem is not None else []),
    ]
    drawn = display.graph(edges(found), marked=(asked.authority, found.issuer))
    read = (display.Age(each.authority, each.age(found.at), asked.max_age) for each in found.lists)
    body = display.HTML(drawn + display.ages(read))
    return display.card("Recognition", facts, badge=_WORDS[found.outcome], body=body)
