"""Whatever nodes do: a credential that was revoked on a chain is never judged to be in force."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime

import pytest

import cityid
from cityid import did, keys, status
from cityid.errors import RegistryError
from cityid.report import Outcome
from torture.chain_city import city
from torture.chain_client import Client
from torture.chain_weather import DEEPEST, LIES, World

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

LIST = "https://id.city.example/status/1"
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
SEEDS = 6
LOOKS = 25


def in_the_end(ask, world):
    """Ask until it is answered, as whoever meets a failure would."""
    while True:
        try:
            return ask()
        except RegistryError:
            world.sleep(2)


def a_credential(revoked, issuer, number):
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": f"urn:resident:{number}"},
    }
    return cityid.issue(document, by=issuer, cryptosuite="eddsa-jcs-2022", status=revoked, at=AT)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_revoked_is_never_in_force(seed, tmp_path):
    chance = random.Random(seed)  # noqa: S311 - a schedule
    issuer = did.create("key", signer=keys.generate(seed=b"the city, who issues and revokes"))
    seen = Counter()
    with city() as place:
        world = World(place, chance, nodes=3, liars=1, deepest=DEEPEST)
        client = Client(
            world, "city", place.writers[0], tmp_path,
            quorum=2, confirmations=None, chance=chance,
        )  # fmt: skip
        ledger = client.registry
        revoked = in_the_end(
            lambda: status.publish(ledger, issuer, LIST, purpose="revocation", at=AT), world
        )
        good, bad = (a_credential(revoked, issuer, number) for number in range(2))
        place_of_bad = int(bad.statuses[0]["statusListIndex"])
        in_the_end(lambda: revoked.revoke([place_of_bad], at=AT), world)
        judge = status.Judge(resolver=did.resolver(), registry=ledger)
        for _ in range(LOOKS):
            world.sleep(chance.randint(1, 5))
            node = world.nodes[chance.randrange(3)]
            liars = [each for each in world.nodes if each.faults]
            lies = [] if liars else [LIES[chance.choice(list(LIES))](world, chance)]
            with node.ailing(*lies):
                snapshot = status.Snapshot(judge, at=AT)
                verdicts = [status.check(each, snapshot).outcome for each in (good, bad)]
            assert verdicts[0] is not Outcome.FAILED
            assert verdicts[1] is not Outcome.PASSED
            seen.update(verdicts)
        world.calm()
        world.sleep(3)
        snapshot = status.Snapshot(judge, at=AT)
        assert status.check(good, snapshot).outcome is Outcome.PASSED
        assert status.check(bad, snapshot).outcome is Outcome.FAILED
        client.end()
    assert seen[Outcome.PASSED] > LOOKS / 3
    assert seen[Outcome.FAILED] > LOOKS / 3
