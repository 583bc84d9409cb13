"""The main job as a play in six scenes: a city issues, citizens hold and present, services verify.

Everything in it is real: a registry file, an encrypted wallet, signatures, refusals. Only the
people are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cityid.demo import offices, services
from cityid.demo.offices import Progress, accredited
from cityid.demo.stage import CITY, ORIGIN, Resident, Scene, Stage, resident_credential

__all__ = [
    "CITY",
    "ORIGIN",
    "Progress",
    "Resident",
    "Scene",
    "accredited",
    "play",
    "resident_credential",
]


def play(folder: Path, *, at: datetime, progress: Progress | None = None) -> Iterator[Scene]:
    """Play the main job.

    Args:
        folder: An empty folder for the registry, the wallet and the challenges.
        at: The time in the play.
        progress: Called with the number of credentials issued and of all, after each.

    Yields:
        The scenes, each when it is over.
    """
    stage = Stage.set_up(folder, at)
    with stage.ledger:
        yield offices.found_office(stage)
        people = offices.people()
        cards, scene = offices.issue_cards(stage, people, progress)
        yield scene
        chosen = next(n for n, person in enumerate(people) if person.may_vote(at.date()))
        resident, card = people[chosen], cards[chosen]
        wallet = services.fill_wallet(stage, resident, card)
        questions = services.questions(stage)
        scene, result = services.visit_services(stage, questions, resident, wallet)
        yield scene
        yield services.unfold(result)
        yield services.refuse(stage, questions[services.POOL], resident, card)
        yield offices.prove_registry(stage)
