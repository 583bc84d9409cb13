"""Any run of changes, the machine stopping anywhere: the DID stays usable and tells the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import did, keys, registry
from cityid.errors import RegistryError

START = datetime(2026, 1, 1, tzinfo=UTC)
CHANGES = ("rotate", "recover", "update", "move")
STOPS = (None, "keyring-before", "keyring-after", "registry-before", "registry-after")


class Stopping:
    """Does what another does, but the machine stops before or after one deed."""

    def __init__(self, inner, deed, when):
        self._inner, self._deed, self._when = inner, deed, when

    def __getattr__(self, name):
        deed = getattr(self._inner, name)
        if name != self._deed:
            return deed

        def stop(*arguments):
            if self._when == "after":
                deed(*arguments)
            raise RegistryError("the machine stopped")

        return stop


def changed(identity, change, vault, at):
    if change == "recover":
        return identity.recover(vault, at=at)
    if change == "move":
        return identity.move(f"d{at:%d%H}.example", at=at)
    return identity.rotate(at=at) if change == "rotate" else identity.update(ttl=at.hour, at=at)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(STOPS)), max_size=6))
def test_whatever_stops_the_did_goes_on(steps):
    ledger, keyring, vault = registry.connect("memory:"), keys.MemoryKeyring(), keys.MemoryKeyring()
    office = did.create(
        "webvh",
        domain="d.example",
        portable=True,
        registry=ledger,
        keyring=keyring,
        recovery=vault,
        at=START,
    )
    name, versions, at = office.did, 1, START
    for change, stop in steps:
        at += timedelta(hours=1)
        place, _, when = (stop or "").partition("-")
        ring = Stopping(keyring, "obtain", when) if place == "keyring" else keyring
        log = Stopping(ledger, "append", when) if place == "registry" else ledger
        acting = did.load(name, registry=log, keyring=ring)
        try:
            name = changed(acting, change, vault, at).did
            versions += 1
        except RegistryError:
            versions += stop == "registry-after"
            if stop == "registry-after":
                name = did.load(name, registry=ledger).did
    found = did.load(name, registry=ledger, keyring=keyring)
    assert found.lifecycle.history.last.number == versions
    assert did.resolver(ledger).resolve(str(name)).document == found.document
    url, signer = found.signer("assertionMethod")
    assert found.document.verification_method(url).public_key == signer.public_key
    assert found.rotate(at=at + timedelta(hours=1)).recover(vault, at=at + timedelta(hours=2))
    assert did.load(office.did, registry=ledger, keyring=keyring).did == name
