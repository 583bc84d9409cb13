"""Attacks on proofs of existence: each is the right proof with one lie."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cityid import keys, registry
from cityid.errors import Code, CorruptError, InvalidInputError, RegistryError
from cityid.registry import ExistenceProof, NewEntry, RecordProof
from cityid.registry.anchoring import anchor_log

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
EVE = keys.generate(seed=b"somebody else who signs, 32 byte")
START = datetime(2027, 3, 14, 9, tzinfo=UTC)


class Ticking:
    """A clock that goes on by itself."""

    def __init__(self):
        self.time = START

    def __call__(self):
        self.time += timedelta(hours=1)
        return self.time


def a_registry(*data, origin=ORIGIN, operator=OPERATOR):
    ledger = registry.connect("memory:", origin=origin, operator=operator, clock=lambda: START)
    ledger.append([NewEntry("log", n, item) for n, item in enumerate(data, 1)])
    return ledger


def a_chain(*sources, origin="chain.example"):
    chain = registry.connect("memory:", origin=origin, clock=Ticking())
    for source in sources:
        registry.anchor(source, chain)
    return chain


def judged(proof, data=b"b", *, chain, origin=ORIGIN, operator=OPERATOR):
    key = operator.public_key if operator else None
    return registry.verify_existence(proof, data, origin=origin, operator=key, chain=chain)


def refused(code, *arguments, **options):
    with pytest.raises(InvalidInputError) as caught:
        judged(*arguments, **options)
    assert caught.value.code == code


YOUNG, OLD = a_registry(b"a"), a_registry(b"a", b"b")
CHAIN = a_chain(YOUNG, OLD)
RECORD = OLD.read("log")[1]
PROOF = registry.prove_existence(OLD, RECORD, CHAIN)
UNTRUE = Code.PROOF_VERIFICATION_ERROR


def test_the_right_proof_shows_the_record_and_its_anchor():
    shown = judged(PROOF, chain=CHAIN)
    assert (shown.record, shown.anchor.record.version) == (RECORD, 2)
    assert shown.before == CHAIN.read(anchor_log(ORIGIN))[1].recorded_at


def test_a_proof_that_names_another_block_or_time_is_refused():
    refused(UNTRUE, replace(PROOF, evidence={**PROOF.evidence, "index": 0}), chain=CHAIN)
    refused(UNTRUE, replace(PROOF, evidence={}), chain=CHAIN)
    refused(UNTRUE, replace(PROOF, evidence={**PROOF.evidence, "note": "x"}), chain=CHAIN)
    refused(UNTRUE, replace(PROOF, recorded_at=START), chain=CHAIN)


def test_a_proof_from_an_older_anchor_is_refused():
    refused(UNTRUE, replace(PROOF, version=1), chain=CHAIN)
    first = registry.anchors(ORIGIN, CHAIN)[0]
    under = replace(PROOF.proof, checkpoint=first.checkpoint.note)
    with pytest.raises(InvalidInputError):
        judged(replace(PROOF, proof=under, version=1), chain=CHAIN)


def test_a_proof_of_an_anchor_that_the_chain_does_not_have_is_refused():
    refused(UNTRUE, PROOF, chain=a_chain(YOUNG))
    refused(UNTRUE, PROOF, chain=a_chain())
    refused(UNTRUE, replace(PROOF, version=3), chain=CHAIN)
    elsewhere = a_chain(YOUNG, OLD, origin="elsewhere.example")
    refused(UNTRUE, PROOF, chain=elsewhere)
    refused(Code.NUMBER_OUT_OF_RANGE, replace(PROOF, version=0), chain=CHAIN)


def test_a_chain_that_dropped_the_block_makes_the_proof_worth_nothing():
    """As when it is reorganised: the anchor comes back at another place."""
    before = a_chain(YOUNG, OLD)
    proof = registry.prove_existence(OLD, RECORD, before)
    assert judged(proof, chain=before)
    after = registry.connect("memory:", origin="chain.example", clock=Ticking())
    after.append([NewEntry("another", 1, b"came first")])
    registry.anchor(YOUNG, after)
    registry.anchor(OLD, after)
    refused(UNTRUE, proof, chain=after)
    assert judged(registry.prove_existence(OLD, RECORD, after), chain=after)


def test_a_proof_for_another_registry_is_refused():
    refused(UNTRUE, PROOF, chain=CHAIN, origin="elsewhere.example")
    other = a_registry(b"a", b"b", origin="elsewhere.example")
    chain = a_chain(OLD, other)
    proof = registry.prove_existence(other, other.read("log")[1], chain)
    assert judged(proof, chain=chain, origin="elsewhere.example")
    refused(UNTRUE, proof, chain=chain)


def test_a_proof_of_other_data_is_refused():
    refused(Code.DIGEST_MISMATCH, PROOF, b"c", chain=CHAIN)


@pytest.mark.parametrize("operator", [None, EVE])
def test_an_anchor_that_the_operator_has_not_signed_proves_nothing(operator):
    chain = a_chain()
    forged = a_registry(b"a", b"b", operator=operator)
    note = forged.checkpoint().note
    chain.append([NewEntry(anchor_log(ORIGIN), 1, note.encode())])
    proof = registry.prove_existence(forged, forged.read("log")[1], chain)
    assert judged(proof, chain=chain, operator=None)
    refused(Code.INVALID_SIGNATURE, proof, chain=chain)


def test_a_checkpoint_that_was_signed_and_never_anchored_proves_no_time():
    chain = a_chain(YOUNG)
    forged = ExistenceProof(
        registry.prove(OLD, RECORD), 1, PROOF.recorded_at, {"origin": "chain.example"}
    )
    refused(UNTRUE, forged, chain=chain)


def test_a_chain_that_cannot_be_read_says_nothing():
    chain = a_chain(YOUNG, OLD)
    proof = registry.prove_existence(OLD, RECORD, chain)
    chain.close()
    with pytest.raises(RegistryError):
        judged(proof, chain=chain)


# --- on a chain


@pytest.fixture(scope="module")
def on_a_chain():
    with registry.connect("ethereum+tester:", clock=Ticking()) as chain:
        registry.anchor(YOUNG, chain)
        chain.append([NewEntry("another", 1, b"in between")])
        registry.anchor(OLD, chain)
        yield chain


def test_the_chain_says_in_which_block_the_anchor_is(on_a_chain):
    proof = registry.prove_existence(OLD, RECORD, on_a_chain)
    shown = judged(proof.to_json(), chain=on_a_chain)
    block = shown.anchor.record.evidence.block
    assert proof.evidence["block"] == block
    assert registry.prove_existence(OLD, OLD.read("log")[0], on_a_chain).evidence["block"] < block
    for lie in ({"block": block - 1}, {"chainId": 1}, {"contract": "0x" + 40 * "0"}):
        refused(UNTRUE, replace(proof, evidence={**proof.evidence, **lie}), chain=on_a_chain)


def test_where_to_look_it_up_is_told_by_the_chain_and_not_by_the_proof(on_a_chain):
    """No contract proves the hash of a transaction, so a node could make a right proof fail."""
    proof = registry.prove_existence(OLD, RECORD, on_a_chain)
    elsewhere = {**proof.evidence, "transaction": "0x" + 64 * "0", "logIndex": 7}
    shown = judged(replace(proof, evidence=elsewhere), chain=on_a_chain)
    assert shown.anchor.record.evidence.transaction == proof.evidence["transaction"]


def test_a_registry_is_never_anchored_twice_on_a_chain(on_a_chain):
    assert registry.anchor(OLD, on_a_chain).record.version == 2
    with pytest.raises(CorruptError, match=r"in block \d+ of chain \d+"):
        registry.anchor(YOUNG, on_a_chain)


# --- texts


TEXT = PROOF.to_json()


def changed(**members):
    return json.dumps({**json.loads(TEXT), **members})


def test_the_text_of_the_right_proof_is_read():
    assert judged(TEXT, chain=CHAIN).record == RECORD
    assert ExistenceProof.from_json(changed()) == PROOF


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        TEXT[:-1],
        changed(more=1),
        changed(proof=1),
        changed(proof="c2sp.org/tlog-proof@v1"),
        changed(version=True),
        changed(version=0),
        changed(version=1.5),
        changed(version="2"),
        changed(version=2**60),
        changed(recordedAt="yesterday"),
        changed(recordedAt=None),
        changed(evidence=None),
        changed(evidence=[]),
        TEXT.replace('"version"', '"version":1,"version"'),
        changed(evidence={"deep": "x" * 1_000_001}),
        7,
    ],
)
def test_what_is_no_proof_is_refused(text):
    with pytest.raises(InvalidInputError):
        ExistenceProof.from_json(text)


def test_a_record_proof_is_no_proof_of_existence():
    assert RecordProof.from_text(PROOF.proof.to_text())
    with pytest.raises(InvalidInputError):
        judged(PROOF.proof.to_text(), chain=CHAIN)
