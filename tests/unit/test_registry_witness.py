"""Witnesses: their keys, their cosignatures, and what they refuse to cosign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityid import keys, registry
from cityid.errors import (
    Code,
    ConflictError,
    CorruptError,
    InvalidInputError,
    UnsupportedError,
)
from cityid.registry import GrowthClaim, NewEntry, Witness, WitnessKey
from cityid.registry.cosignature import MAX_WITNESSES, cosign
from cityid.registry.note import MAX_NOTE, split
from cityid.registry.witness import MAX_PATH

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
SIGNERS = [keys.generate(seed=(b"witness %d" % n).ljust(32, b".")) for n in range(3)]
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)

# A checkpoint of a public log that a public witness cosigned on 2026-08-02.
PUBLIC_WITNESS = (
    "witness.navigli.sunlight.geomys.org+a3e00fe2+BNy/co4C1Hn1p+INwJrfUlgz7W55dSZReusH/GhUhJ/G"
)
PUBLIC_NOTE = """coachandhorses2026h1.staging.certificate.transparency.goog
185550722
YXAM0VmnrfvLaBCOOYSJhCaE5F10oGBOo+hkbDa1kng=

— coachandhorses2026h1.staging.certificate.transparency.goog MpXgsHy8ZwxXnO+WjtVrPxAzL49Rs1gWTkNV\
NeEa//5peAzaocRCB3qt3EaibjzY5GILLtGgBP7dBhgcSHy+JQh0OAc=
— witness.navigli.sunlight.geomys.org o+AP4gAAAABqb7DzNrGFRJnQ9vrJ8xpnwZytnr/ZYczDIsvwvouiSjwOjn\
7a72ccxBk+lKnZ7dKqkYKER1s/KxLTaVwQD7lJZTC/CQ==
"""
# The example of the specification, of which no key is published.
EXAMPLE_NOTE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1g\
GzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oy\
in1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""


def a_registry(records=5):
    ledger = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)
    grow(ledger, records)
    return ledger


def grow(ledger, records, data=b"entry"):
    head = ledger.head("log")
    version = head.version if head else 0
    ledger.append([NewEntry("log", version + n, data) for n in range(1, records + 1)])


def a_witness(number=0, memory=None):
    memory = memory or registry.connect("memory:", origin="witness.example/memory")
    return Witness(f"witness.example/w{number}", SIGNERS[number], memory)


def cosigned(witness, ledger, *, at=TIME, checkpoint=None):
    last = witness.last(ORIGIN)
    claim = registry.claim_growth(ledger, since=last.size if last else 0, checkpoint=checkpoint)
    return witness.cosign(claim, origin=ORIGIN, operator=OPERATOR.public_key, at=at)


def verified(note, witnesses=(), **options):
    return registry.verify_checkpoint(
        note, origin=ORIGIN, operator=OPERATOR.public_key, witnesses=witnesses, **options
    )


def refused(call, *arguments, code, **options):
    with pytest.raises(InvalidInputError) as caught:
        call(*arguments, **options)
    assert caught.value.code == code
    return str(caught.value)


# --- keys


def test_the_key_of_a_public_witness_is_read_and_its_cosignature_holds():
    witness = WitnessKey.from_text(PUBLIC_WITNESS)
    assert (witness.key_id.hex(), witness.to_text()) == ("a3e00fe2", PUBLIC_WITNESS)
    (cosignature,) = registry.cosignatures(PUBLIC_NOTE, [witness])
    assert cosignature.witness == witness
    assert cosignature.time == datetime(2026, 8, 2, 21, 4, 51, tzinfo=UTC)
    changed = PUBLIC_NOTE.replace("185550722", "185550723")
    refused(registry.cosignatures, changed, [witness], code=Code.INVALID_SIGNATURE)


def test_the_example_of_the_specification_is_read():
    _, (operator, witness) = split(EXAMPLE_NOTE)
    assert (operator.name, len(operator.data)) == ("example.com/behind-the-sofa", 64)
    assert witness.name == "witness.example.com/w1"
    assert int.from_bytes(witness.data[:8]) == 1679315147
    assert witness.to_line() in EXAMPLE_NOTE
    assert registry.read_checkpoint(EXAMPLE_NOTE).size == 20852163


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "witness.example",
        PUBLIC_WITNESS.replace("a3e00fe2", "a3e00fe3"),
        PUBLIC_WITNESS.replace("geomys.org", "geomys.com"),
        PUBLIC_WITNESS + "=",
        PUBLIC_WITNESS[:-1],
        PUBLIC_WITNESS[:-4] + "hJ/=",
    ],
)
def test_what_is_not_the_key_of_a_witness_is_refused(text):
    refused(WitnessKey.from_text, text, code=Code.PARSING_ERROR)


def test_a_key_that_makes_other_signatures_is_not_a_witness():
    with pytest.raises(UnsupportedError, match="cosignatures of Ed25519"):
        WitnessKey.from_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    with pytest.raises(UnsupportedError, match="Ed25519 key"):
        WitnessKey("w", keys.generate("P-256", seed=bytes(31) + b"\x01").public_key)
    refused(WitnessKey, "w", b"key", code=Code.INVALID_OPTIONS)
    refused(WitnessKey, "a b", SIGNERS[0].public_key, code=Code.INVALID_OPTIONS)
    refused(WitnessKey, None, SIGNERS[0].public_key, code=Code.INVALID_OPTIONS)
    refused(Witness, "a+b", SIGNERS[0], a_registry(), code=Code.INVALID_OPTIONS)


# --- thresholds


def test_a_checkpoint_is_believed_with_enough_different_witnesses():
    ledger = a_registry()
    note = ledger.checkpoint().note
    witnesses = [a_witness(number) for number in range(3)]
    known = [witness.key for witness in witnesses]
    for number, witness in enumerate(witnesses[:2]):
        stated = registry.read_checkpoint(note)
        note = cosigned(witness, ledger, at=TIME + timedelta(hours=number), checkpoint=stated)
    assert verified(note).cosigned == ()
    assert [c.witness for c in verified(note, known, threshold=2).cosigned] == known[:2]
    assert len(verified(note, known[:2]).cosigned) == 2
    told = refused(verified, note, known, code=Code.INVALID_SIGNATURE)
    assert "2 of the witnesses" in told
    assert len(verified(note, known, threshold=1, at=TIME).cosigned) == 1
    refused(verified, note, known, threshold=2, at=TIME, code=Code.INVALID_SIGNATURE)


@pytest.mark.parametrize("threshold", [0, 2, -1, True, "1", 1.0])
def test_a_threshold_that_makes_no_sense_is_refused(threshold):
    ledger, witness = a_registry(), a_witness()
    note = cosigned(witness, ledger)
    assert verified(note, [witness.key], threshold=1)
    refused(verified, note, [witness.key], threshold=threshold, code=Code.INVALID_OPTIONS)


def test_a_threshold_needs_witnesses_and_witnesses_are_keys():
    note = a_registry().checkpoint().note
    assert verified(note, threshold=0).cosigned == ()
    refused(verified, note, threshold=1, code=Code.INVALID_OPTIONS)
    refused(verified, note, ["witness"], code=Code.INVALID_OPTIONS)
    made = [keys.generate(seed=n.to_bytes(32)).public_key for n in range(MAX_WITNESSES + 1)]
    many = [WitnessKey(f"w{n}", key) for n, key in enumerate(made)]
    refused(verified, note, many, code=Code.INPUT_TOO_LARGE)


def test_a_proof_rests_on_a_witnessed_checkpoint():
    ledger, witness = a_registry(), a_witness()
    note = cosigned(witness, ledger)
    proof = registry.prove(ledger, ledger.read("log")[2], registry.read_checkpoint(note))
    options = {"origin": ORIGIN, "operator": OPERATOR.public_key, "witnesses": [witness.key]}
    assert registry.verify_proof(proof.to_text(), b"entry", **options).version == 3
    bare = registry.prove(ledger, ledger.read("log")[2])
    refused(registry.verify_proof, bare, b"entry", **options, code=Code.INVALID_SIGNATURE)
    keyless = options | {"operator": None}
    refused(registry.verify_proof, proof, b"entry", **keyless, code=Code.INVALID_OPTIONS)
    no_witness = keyless | {"witnesses": (), "threshold": 1}
    refused(registry.verify_proof, proof, b"entry", **no_witness, code=Code.INVALID_OPTIONS)


# --- what a witness does


def test_a_witness_follows_a_registry_as_it_grows():
    ledger, witness = a_registry(), a_witness()
    assert witness.last(ORIGIN) is None
    for size in (5, 6, 9):
        note = cosigned(witness, ledger)
        assert verified(note, [witness.key]).size == size
        last = witness.last(ORIGIN)
        assert (last.size, last.root) == (size, ledger.checkpoint().root)
        grow(ledger, 1 if size == 5 else 3)
    assert [record.version for record in witness.memory.read(ORIGIN)] == [1, 2, 3]


def test_a_witness_cosigns_the_same_state_again_and_remembers_it_once():
    ledger, witness = a_registry(), a_witness()
    cosigned(witness, ledger)
    later = cosigned(witness, ledger, at=TIME + timedelta(days=1))
    assert verified(later, [witness.key]).cosigned[0].time == TIME + timedelta(days=1)
    assert len(witness.memory.read(ORIGIN)) == 1


def test_an_empty_registry_can_be_cosigned_too():
    ledger, witness = a_registry(0), a_witness()
    assert verified(cosigned(witness, ledger), [witness.key]).size == 0
    grow(ledger, 1)
    assert verified(cosigned(witness, ledger), [witness.key]).size == 1


def test_the_time_of_a_witness_does_not_run_backwards():
    ledger, witness = a_registry(), a_witness()
    cosigned(witness, ledger)
    grow(ledger, 1)
    note = cosigned(witness, ledger, at=TIME - timedelta(days=1))
    assert verified(note, [witness.key]).cosigned[0].time == TIME


def test_a_time_before_1970_or_without_offset_is_refused():
    ledger, witness = a_registry(), a_witness()
    ancient = datetime(1969, 12, 31, tzinfo=UTC)
    refused(cosigned, witness, ledger, at=ancient, code=Code.NUMBER_OUT_OF_RANGE)
    refused(cosigned, witness, ledger, at=datetime(2027, 1, 1), code=Code.INVALID_OPTIONS)  # noqa: DTZ001 - that is the point
    assert witness.last(ORIGIN) is None


def test_a_witness_watches_several_registries_apart():
    witness, ledger = a_witness(), a_registry()
    cosigned(witness, ledger)
    other = registry.connect("memory:", origin="other.example", operator=OPERATOR)
    claim = registry.claim_growth(other)
    witness.cosign(claim, origin="other.example", operator=OPERATOR.public_key, at=TIME)
    assert (witness.last(ORIGIN).size, witness.last("other.example").size) == (5, 0)


# --- what a witness is asked


def test_a_claim_is_read_as_it_was_written():
    ledger = a_registry()
    claim = registry.claim_growth(ledger, since=3)
    assert claim.path
    assert GrowthClaim.from_text(claim.to_text()) == claim
    first = registry.claim_growth(ledger)
    assert GrowthClaim.from_text(first.to_text()) == first
    assert GrowthClaim.from_text(first.note) == first


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _: None, Code.PARSING_ERROR),
        (lambda text: text.replace("old 3", "old 03"), Code.PARSING_ERROR),
        (lambda text: text.replace("old 3", "old -1"), Code.PARSING_ERROR),
        (lambda text: text.replace("old 3\n", "old 3\n!\n"), Code.PARSING_ERROR),
        (lambda text: "old 3\n" + "A" * 43 + "=\n" * (MAX_PATH + 1) + text, Code.PARSING_ERROR),
        (lambda _: "old 3", Code.PARSING_ERROR),
        (lambda _: "hello", Code.PARSING_ERROR),
        (lambda _: "old 3\n\n" + "x" * (2 * MAX_NOTE), Code.INPUT_TOO_LARGE),
    ],
)
def test_a_malformed_claim_is_refused(change, code):
    text = registry.claim_growth(a_registry(), since=3).to_text()
    assert GrowthClaim.from_text(text).old_size == 3
    refused(GrowthClaim.from_text, change(text), code=code)


def test_growth_needs_a_merkle_log(bare_registry):
    with pytest.raises(UnsupportedError, match="no Merkle log"):
        registry.claim_growth(bare_registry)


@pytest.fixture
def bare_registry():
    class Bare:
        """A registry without a Merkle log."""

        def checkpoint(self):
            return a_registry().checkpoint()

    return Bare()


# --- its memory


def test_two_who_cosign_at_once_do_not_both_succeed():
    ledger, memory = a_registry(), registry.connect("memory:", origin="witness.example/memory")
    witness = a_witness(memory=memory)
    cosigned(witness, ledger)
    fork = a_registry()
    grow(ledger, 1)
    grow(fork, 1, b"another")

    class Stale:
        """What another process of the witness saw a moment before."""

        def __init__(self):
            self.record = memory.head(ORIGIN)

        def head(self, _log):
            return self.record

        append = memory.append
        checkpoint = memory.checkpoint

    other = a_witness(memory=Stale())
    cosigned(witness, ledger)
    with pytest.raises(ConflictError):
        cosigned(other, fork)
    assert memory.head(ORIGIN).version == 2


@pytest.mark.parametrize("data", [b"\xff", b"no checkpoint", None])
def test_a_memory_that_is_not_its_own_is_damage_and_not_emptiness(data):
    ledger, witness = a_registry(), a_witness()
    data = ledger.checkpoint().note.encode() if data is None else data
    witness.memory.append([NewEntry(ORIGIN, 1, data)])
    with pytest.raises(CorruptError, match="not a checkpoint that it cosigned"):
        witness.last(ORIGIN)


def test_a_memory_with_the_cosignature_of_another_is_damage():
    ledger, memory = a_registry(), registry.connect("memory:", origin="witness.example/memory")
    cosigned(a_witness(1, memory), ledger)
    with pytest.raises(CorruptError):
        a_witness(0, memory).last(ORIGIN)


def test_cosign_alone_makes_the_line_that_is_verified():
    text = "city.example/registry\n0\n" + "A" * 43 + "=\n"
    line = cosign(text, name="w", signer=SIGNERS[0], at=TIME)
    key = WitnessKey("w", SIGNERS[0].public_key)
    assert registry.cosignatures(f"{text}\n{line}", [key])[0].time == TIME
