"""The main job as a play in seven scenes: a city issues, citizens present, services verify.

Everything in it is real: a registry file, an encrypted wallet, signatures, refusals. Only the
people are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from cityid.demo import offices, services
from cityid.demo.offices import Progress, accredited
from cityid.demo.stage import CITY, ORIGIN, Resident, Scene, Stage, resident_credential
from cityid.status import FileAllocator

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

_DAY = timedelta(days=1)


def play(folder: Path, *, at: datetime, progress: Progress | None = None) -> Iterator[Scene]:
    """Play the main job.

    Args:
        folder: An empty folder for the registry, the wallet and the challenges.
        at: The time at the end; most of the play is on the day before.
        progress: Called with the number of credentials issued and of all, after each.

    Yields:
        The scenes, each when it is over.
    """
    stage = Stage.set_up(folder, at - _DAY)
    with stage.ledger, closing(FileAllocator(folder / "office.allocator", block=100)) as places:
        yield offices.found_office(stage)
        revoked = offices.publish_list(stage, places)
        people = offices.people()
        cards, scene = offices.issue_cards(stage, people, revoked, progress)
        yield scene
        chosen = next(n for n, person in enumerate(people) if person.may_vote(stage.at.date()))
        resident, card = people[chosen], cards[chosen]
        wallet = services.fill_wallet(stage, resident, card)
        questions = services.questions(stage)
        scene, result = services.visit_services(stage, questions, resident, wallet)
        yield scene
        yield services.unfold(result)
        yield services.refuse(stage, questions[services.POOL], resident, card)
        stage.clock.now = at
        yield services.revoke(stage, revoked, questions[services.POOL], resident, card)
        yield offices.prove_registry(stage)
