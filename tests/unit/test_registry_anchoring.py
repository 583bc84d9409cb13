"""Anchors: checkpoints of one registry in another, and what they prove."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityid import keys, registry
from cityid.errors import (
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    NotFoundError,
    UnsupportedError,
)
from cityid.registry import ExistenceProof, MerkleLeaf, NewEntry, Witness
from cityid.registry.anchoring import anchor_log, evidence_members

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
KEY = OPERATOR.public_key
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
START = datetime(2027, 3, 14, 9, tzinfo=UTC)
LATER = START + timedelta(days=1)


def a_source(*data, origin=ORIGIN, operator=OPERATOR):
    ledger = registry.connect("memory:", origin=origin, operator=operator, clock=lambda: START)
    grow(ledger, *data)
    return ledger


def grow(ledger, *data):
    first = len(ledger.read("log")) + 1
    return ledger.append([NewEntry("log", n, item) for n, item in enumerate(data, first)])


@pytest.fixture(params=["memory", "file"])
def chain(request, tmp_path):
    url = "memory:" if request.param == "memory" else f"file:{tmp_path / 'chain'}"
    with registry.connect(url, origin="chain.example", clock=lambda: LATER) as opened:
        yield opened


def test_an_anchor_is_the_signed_checkpoint_in_a_log_of_its_own(chain):
    source = a_source(b"a", b"b")
    made = registry.anchor(source, chain, operator=KEY)
    assert made.record.log == anchor_log(ORIGIN) == "anchor:city.example/registry"
    assert made.record.data.decode() == source.checkpoint().note == made.checkpoint.note
    assert made.to_dict() == {
        "origin": ORIGIN,
        "size": 2,
        "root": source.checkpoint().root.hex(),
        "version": 1,
        "recordedAt": "2027-03-15T09:00:00.000000Z",
        "evidence": {"type": "MerkleLeaf", "origin": "chain.example", "index": 0},
    }
    assert "⚓ anchored" in made._repr_html_()
    (read,) = registry.anchors(ORIGIN, chain)
    assert (read.record, read.checkpoint.root) == (made.record, made.checkpoint.root)


def test_what_is_anchored_already_is_not_anchored_again(chain):
    source = a_source(b"a")
    first = registry.anchor(source, chain)
    assert registry.anchor(source, chain).record == first.record
    grow(source, b"b")
    second = registry.anchor(source, chain)
    assert (second.record.version, second.checkpoint.size) == (2, 2)
    older = registry.anchor(source, chain, checkpoint=first.checkpoint.note)
    assert older.record == second.record
    assert [found.checkpoint.size for found in registry.anchors(ORIGIN, chain)] == [1, 2]
    assert registry.audit(
        source, checkpoints=[a.checkpoint for a in registry.anchors(ORIGIN, chain)]
    )


def test_an_empty_registry_can_be_anchored(chain):
    source = a_source()
    assert registry.anchor(source, chain).checkpoint.size == 0
    grow(source, b"a")
    assert registry.anchor(source, chain).checkpoint.size == 1


def test_a_registry_that_went_back_is_not_anchored(chain):
    registry.anchor(a_source(b"a", b"b"), chain)
    with pytest.raises(CorruptError, match=r"grown from its anchor 1 of 2027-.*chain\.exam"):
        registry.anchor(a_source(b"a"), chain)
    assert chain.checkpoint().size == 1


def test_a_registry_with_another_history_is_not_anchored(chain):
    registry.anchor(a_source(b"a", b"b"), chain)
    with pytest.raises(CorruptError, match="its first 2 records are not what they were"):
        registry.anchor(a_source(b"a", b"x", b"c"), chain)
    with pytest.raises(CorruptError, match="its first 2 records are not what they were"):
        registry.anchor(a_source(b"a", b"x"), chain)
    assert chain.checkpoint().size == 1


def test_only_what_is_signed_is_anchored(chain):
    with pytest.raises(InvalidInputError, match="is not signed") as caught:
        registry.anchor(a_source(b"a", operator=None), chain)
    assert caught.value.code == Code.INVALID_OPTIONS
    with pytest.raises(InvalidInputError, match="not signed by the registry's operator"):
        registry.anchor(a_source(b"a", operator=WITNESS), chain, operator=KEY)
    other = a_source(b"a", origin="elsewhere.example")
    with pytest.raises(InvalidInputError, match=r"is of 'elsewhere\.example'"):
        registry.anchor(a_source(b"a"), chain, checkpoint=other.checkpoint().note)
    with pytest.raises(CorruptError, match="its first 1 records"):
        registry.anchor(a_source(b"x"), chain, checkpoint=a_source(b"a").checkpoint().note)
    assert chain.checkpoint().size == 0


def test_a_checkpoint_that_witnesses_have_cosigned_can_be_anchored(chain):
    source = a_source(b"a")
    witness = Witness("witness.example/w", WITNESS, registry.connect("memory:", origin="w"))
    claim = registry.claim_growth(source)
    note = witness.cosign(claim, origin=ORIGIN, operator=KEY, at=START)
    asked = {"operator": KEY, "witnesses": [witness.key]}
    with pytest.raises(InvalidInputError, match="0 of the witnesses"):
        registry.anchor(source, chain, **asked)
    made = registry.anchor(source, chain, checkpoint=note, **asked)
    assert len(made.checkpoint.cosigned) == 1
    assert len(registry.anchors(ORIGIN, chain, **asked)) == 1
    with pytest.raises(InvalidInputError, match="pass the operator's key too"):
        registry.anchors(ORIGIN, chain, witnesses=[witness.key])


def test_a_registry_is_not_anchored_in_itself_or_its_replica(tmp_path):
    source = a_source(b"a")
    with registry.connect(f"file:{tmp_path / 'replica'}", origin=ORIGIN) as replica:
        for place in (source, replica):
            with pytest.raises(InvalidInputError, match="in itself or in its replica"):
                registry.anchor(source, place)


@pytest.mark.parametrize(
    "entry", [b"\xff", b"no checkpoint", b"elsewhere\n0\n" + b"A" * 43 + b"=\n"]
)
def test_a_log_of_anchors_with_something_else_is_not_written_on(chain, entry):
    chain.append([NewEntry(anchor_log(ORIGIN), 1, entry)])
    with pytest.raises(CorruptError, match="is no checkpoint of that registry"):
        registry.anchor(a_source(b"a"), chain)
    assert registry.anchors(ORIGIN, chain) == ()


def test_a_registry_without_a_tree_cannot_be_anchored(chain):
    class Bare:
        def checkpoint(self):
            return a_source(b"a").checkpoint()

    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.anchor(Bare(), chain)
    with pytest.raises(InvalidInputError, match="opened before it is used"):
        registry.anchor("memory:", chain)
    with pytest.raises(InvalidInputError, match="opened before it is used"):
        registry.anchor(a_source(b"a"), "memory:")


def test_of_two_who_anchor_at_once_one_is_told(chain):
    class Slow:
        """Shows a chain as it was before somebody else wrote."""

        def head(self, _log):
            return None

        def append(self, entries):
            return chain.append(entries)

    registry.anchor(a_source(b"a"), chain)
    with pytest.raises(ConflictError):
        registry.anchor(a_source(b"a", b"b"), Slow())


def test_anchors_that_are_not_the_operators_are_left_out(chain):
    source = a_source(b"a")
    real = registry.anchor(source, chain)
    eve = a_source(b"x", b"y", operator=WITNESS).checkpoint().note
    unsigned = a_source(b"x", b"y", b"z", operator=None).checkpoint().note
    log = anchor_log(ORIGIN)
    chain.append([NewEntry(log, 2, eve.encode()), NewEntry(log, 3, unsigned.encode())])
    assert [found.record.version for found in registry.anchors(ORIGIN, chain)] == [1, 2, 3]
    (kept,) = registry.anchors(ORIGIN, chain, operator=KEY)
    assert kept.record == real.record


# --- proofs of existence


def test_a_record_is_proven_to_have_existed_before_its_first_anchor(chain):
    source = a_source(b"a", b"b")
    registry.anchor(source, chain)
    (third,) = grow(source, b"c")
    registry.anchor(source, chain)
    grow(source, b"d")
    registry.anchor(source, chain)
    proof = registry.prove_existence(source, third, chain, operator=KEY)
    assert proof.version == 2
    text = proof.to_json()
    assert ExistenceProof.from_json(text) == proof
    options = {"origin": ORIGIN, "operator": KEY, "chain": chain}
    shown = registry.verify_existence(text, b"c", **options)
    assert (shown.record, shown.before) == (third, LATER)
    assert shown.anchor.record == chain.read(anchor_log(ORIGIN))[1]
    assert shown.to_dict()["existedBefore"] == "2027-03-15T09:00:00.000000Z"
    assert shown.to_dict()["anchor"]["evidence"]["index"] == 1
    assert "✓ proven" in shown._repr_html_()
    assert "not verified yet" in proof._repr_html_()


def test_a_record_that_no_anchor_covers_has_no_proof_yet(chain):
    source = a_source(b"a")
    (record,) = source.read("log")
    with pytest.raises(NotFoundError, match=r"no anchor of .* covers its record 1 yet"):
        registry.prove_existence(source, record, chain)
    registry.anchor(source, chain)
    assert registry.prove_existence(source, record, chain)
    with pytest.raises(NotFoundError):
        registry.prove_existence(source, record, chain, operator=WITNESS.public_key)


def test_nothing_is_proven_from_a_registry_that_was_rewritten(chain):
    registry.anchor(a_source(b"a"), chain)
    rewritten = a_source(b"x", b"b")
    with pytest.raises(CorruptError, match="has not grown from its anchor 1"):
        registry.prove_existence(rewritten, rewritten.read("log")[0], chain)


def test_evidence_is_told_by_its_kind_and_fields():
    assert evidence_members(MerkleLeaf("city.example", 7)) == {
        "type": "MerkleLeaf",
        "origin": "city.example",
        "index": 7,
    }
