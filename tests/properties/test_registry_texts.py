"""Texts of strangers: notes, claims, proofs and keys are read or refused, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import keys, registry
from cityid.errors import InvalidInputError, UnsupportedError
from cityid.registry import GrowthClaim, NewEntry, RecordProof, Witness, WitnessKey

OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
SIGNER = keys.generate(seed=b"a witness of the registry, 32 by")
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)
ORIGIN = "city.example/registry"
LEDGER = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)
LEDGER.append([NewEntry("log", n, b"entry") for n in range(1, 12)])
WITNESS = Witness("witness.example/w", SIGNER, registry.connect("memory:"))
COSIGNED = WITNESS.cosign(
    registry.claim_growth(LEDGER), origin=ORIGIN, operator=OPERATOR.public_key, at=TIME
)
CLAIM = registry.claim_growth(LEDGER, since=5).to_text()
PROOF = registry.prove(LEDGER, LEDGER.read("log")[4], registry.read_checkpoint(COSIGNED)).to_text()
CHAIN = registry.connect("memory:", origin="chain.example", clock=lambda: TIME)
ANCHOR = registry.anchor(LEDGER, CHAIN, checkpoint=COSIGNED)
EXISTENCE = registry.prove_existence(LEDGER, LEDGER.read("log")[4], CHAIN).to_json()
TRUSTED = {"origin": ORIGIN, "operator": OPERATOR.public_key, "witnesses": [WITNESS.key]}


@st.composite
def altered(draw, text):
    """Return a text with a piece cut out, doubled, or replaced."""
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start, min(len(text), start + 40)))
    piece = draw(st.sampled_from(["", text[start:end] * 2, "\n", "—", "=", "0", "A", "\x00", "é"]))
    return text[:start] + piece + text[end:]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(altered(COSIGNED))
def test_an_altered_checkpoint_is_refused_or_says_the_same(text):
    try:
        checkpoint = registry.verify_checkpoint(text, **TRUSTED)
    except InvalidInputError:
        return
    assert (checkpoint.size, checkpoint.root) == (11, LEDGER.checkpoint().root)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(altered(PROOF))
def test_an_altered_proof_is_refused_or_proves_the_same(text):
    try:
        record = registry.verify_proof(text, b"entry", **TRUSTED)
    except InvalidInputError:
        return
    assert record == LEDGER.read("log")[4]


@settings(derandomize=True, max_examples=300, deadline=None)
@given(altered(EXISTENCE))
def test_an_altered_proof_of_existence_is_refused_or_proves_the_same(text):
    try:
        shown = registry.verify_existence(text, b"entry", chain=CHAIN, **TRUSTED)
    except InvalidInputError:
        return
    assert (shown.record, shown.anchor.record) == (LEDGER.read("log")[4], ANCHOR.record)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(altered(CLAIM))
def test_an_altered_claim_is_refused_or_cosigned_for_what_is_true(text):
    witness = Witness("witness.example/w", SIGNER, registry.connect("memory:"))
    options = {"origin": ORIGIN, "operator": OPERATOR.public_key, "at": TIME}
    early = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)
    early.append([NewEntry("log", n, b"entry") for n in range(1, 6)])
    witness.cosign(registry.claim_growth(early), **options)
    try:
        note = witness.cosign(GrowthClaim.from_text(text), **options)
    except InvalidInputError:
        assert witness.last(ORIGIN).size == 5
        return
    assert registry.read_checkpoint(note).root == LEDGER.checkpoint().root


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=200) | altered(WITNESS.key.to_text()))
def test_any_text_is_a_key_or_refused(text):
    with suppress(InvalidInputError, UnsupportedError):
        assert WitnessKey.from_text(text).to_text() == text


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    for read in (registry.read_checkpoint, GrowthClaim.from_text, RecordProof.from_text):
        with suppress(InvalidInputError):
            read(text)
