"""The address of a registry is no registry: whoever passes one is told what to do."""

from __future__ import annotations

import pytest

import cityid
import town
from cityid import did, registry, status, trust

ADDRESS = "file:city.registry"
DID = f"did:webvh:Qm{'1' * 44}:id.city.example"
LIST = "https://id.city.example/status/1"
ASKS = {
    "resolver": did.resolver,
    "create": lambda given: did.create("webvh", domain="id.city.example", registry=given),
    "load": lambda given: did.load(DID, registry=given),
    "verifier": lambda given: cityid.Verifier(resolver=town.resolver(), registry=given),
    "publish": lambda given: status.publish(given, town.office(), LIST, purpose="revocation"),
    "recognise": lambda given: trust.recognise(given, town.office(), town.alice(), for_type="A"),
    "audit": registry.audit,
    "mirror from": lambda given: registry.mirror(given, registry.connect("memory:")),
    "mirror to": lambda given: registry.mirror(registry.connect("memory:"), given),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_an_address_is_refused_with_the_way_to_open_it(ask):
    with pytest.raises(cityid.InvalidInputError, match=r"registry\.connect\('file:city"):
        ask(ADDRESS)


@pytest.mark.parametrize(
    "name", ["resolver", "create", "verifier", "publish", "recognise", "audit"]
)
def test_an_open_registry_is_taken(name):
    assert ASKS[name](registry.connect("memory:")) is not None
