"""Attacks on witnesses and on those who rely on them, each beside what is right."""

from __future__ import annotations

import base64
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from cityid import keys, registry
from cityid.errors import Code, ConflictError, InvalidInputError
from cityid.registry import GrowthClaim, NewEntry, Witness, WitnessKey, merkle
from cityid.registry.checkpoint import write_checkpoint
from cityid.registry.note import MAX_NOTE, Signature

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
ONE, TWO, EVE = (keys.generate(seed=bytes([n]) * 32) for n in (1, 2, 3))
TIME = datetime(2027, 3, 14, 9, tzinfo=UTC)


def a_registry(*data, origin=ORIGIN):
    ledger = registry.connect("memory:", origin=origin, operator=OPERATOR, clock=lambda: TIME)
    ledger.append([NewEntry("log", n, item) for n, item in enumerate(data, 1)])
    return ledger


def a_witness(signer, name="witness.example/w"):
    return Witness(name, signer, registry.connect("memory:", origin="memory"))


def asked(witness, claim, *, origin=ORIGIN, operator=OPERATOR):
    return witness.cosign(claim, origin=origin, operator=operator.public_key, at=TIME)


def believed(note, *witnesses, **options):
    return registry.verify_checkpoint(
        note, origin=ORIGIN, operator=OPERATOR.public_key, witnesses=witnesses, **options
    )


def refused(call, *arguments, code, **options):
    with pytest.raises(InvalidInputError) as caught:
        call(*arguments, **options)
    assert caught.value.code == code


LEDGER = a_registry(b"a", b"b", b"c")
WITNESS = a_witness(ONE)
GOOD = asked(WITNESS, registry.claim_growth(LEDGER))
OPERATORS, COSIGNATURE = (line + "\n" for line in GOOD.split("\n\n")[1].splitlines())
BODY = GOOD.split("\n\n")[0] + "\n"


def test_the_right_checkpoint_is_believed():
    assert believed(GOOD, WITNESS.key).size == 3


def note(*lines, body=BODY):
    return f"{body}\n{''.join(lines)}"


def line(key_id, data, name="witness.example/w"):
    return Signature(name, key_id, data).to_line()


def test_a_forged_cosignature_is_refused():
    forged = ONE.sign(b"cosignature/v1\ntime 1\n" + BODY.encode())
    eve = EVE.sign(f"cosignature/v1\ntime 1\n{BODY}".encode())
    stamp = struct.pack(">Q", 1)
    assert believed(note(OPERATORS, line(WITNESS.key.key_id, stamp + forged)), WITNESS.key)
    for data in (stamp + eve, struct.pack(">Q", 2) + forged, stamp + bytes(64)):
        refused(
            believed,
            note(OPERATORS, line(WITNESS.key.key_id, data)),
            WITNESS.key,
            code=Code.INVALID_SIGNATURE,
        )


def test_one_forged_cosignature_beside_a_good_one_spoils_the_checkpoint():
    bad = line(WITNESS.key.key_id, bytes(72))
    refused(believed, note(OPERATORS, COSIGNATURE, bad), WITNESS.key, code=Code.INVALID_SIGNATURE)


@pytest.mark.parametrize("size", [0, 8, 63, 64, 71, 73, 136])
def test_a_cosignature_of_another_length_is_refused(size):
    bad = line(WITNESS.key.key_id, bytes(size))
    refused(believed, note(OPERATORS, bad), WITNESS.key, code=Code.INVALID_SIGNATURE_ENCODING)


@pytest.mark.parametrize("seconds", [2**63, 2**64 - 1, 2**63 - 1, 253402300800])
def test_a_cosignature_of_no_time_is_refused(seconds):
    text = f"cosignature/v1\ntime {seconds}\n{BODY}"
    bad = line(WITNESS.key.key_id, struct.pack(">Q", seconds) + ONE.sign(text.encode()))
    refused(believed, note(OPERATORS, bad), WITNESS.key, code=Code.PARSING_ERROR)


def test_the_operators_signature_does_not_pass_as_a_cosignature_nor_the_other_way():
    plain = line(WITNESS.key.key_id, bytes(8) + ONE.sign(BODY.encode()))
    refused(believed, note(OPERATORS, plain), WITNESS.key, code=Code.INVALID_SIGNATURE)
    witness_as_operator = {"origin": ORIGIN, "operator": ONE.public_key}
    with pytest.raises(InvalidInputError, match="not signed by the registry's operator"):
        registry.verify_checkpoint(GOOD, **witness_as_operator)


def test_the_operator_is_no_witness_of_its_own_registry():
    own = a_witness(OPERATOR)
    both = asked(own, GrowthClaim(0, (), GOOD))
    assert believed(both, WITNESS.key)
    refused(believed, both, WITNESS.key, own.key, code=Code.INVALID_OPTIONS)


def test_a_cosignature_of_another_registry_or_state_does_not_count():
    other = a_registry(b"a", b"b", b"c", origin="other.example")
    theirs = asked(a_witness(ONE), registry.claim_growth(other), origin="other.example")
    moved = theirs.splitlines(keepends=True)[-1]
    refused(believed, note(OPERATORS, moved), WITNESS.key, code=Code.INVALID_SIGNATURE)
    refused(believed, theirs, WITNESS.key, code=Code.PROOF_VERIFICATION_ERROR)


def test_an_old_cosignature_below_a_new_checkpoint_is_refused():
    grown = a_registry(b"a", b"b", b"c", b"d")
    replayed = grown.checkpoint().note + COSIGNATURE
    refused(believed, replayed, WITNESS.key, code=Code.INVALID_SIGNATURE)


def test_a_witness_under_another_name_or_id_is_a_stranger():
    renamed = COSIGNATURE.replace("witness.example/w", "witness.example/v")
    refused(believed, note(OPERATORS, renamed), WITNESS.key, code=Code.INVALID_SIGNATURE)
    data = base64.b64decode(COSIGNATURE.split()[2])
    refused(
        believed,
        note(OPERATORS, line(bytes(4), data[4:])),
        WITNESS.key,
        code=Code.INVALID_SIGNATURE,
    )


def test_one_key_is_one_witness_however_often_it_is_named_and_signs():
    twice = WitnessKey("witness.example/v", ONE.public_key)
    other = WitnessKey("witness.example/u", TWO.public_key)
    again = asked(a_witness(ONE, "witness.example/v"), GrowthClaim(0, (), GOOD))
    assert len(believed(note(OPERATORS, COSIGNATURE, COSIGNATURE), WITNESS.key).cosigned) == 2
    refused(believed, again, WITNESS.key, twice, threshold=2, code=Code.INVALID_OPTIONS)
    refused(believed, again, WITNESS.key, twice, other, threshold=2, code=Code.INVALID_SIGNATURE)
    double = note(OPERATORS, COSIGNATURE, COSIGNATURE)
    refused(believed, double, WITNESS.key, other, threshold=2, code=Code.INVALID_SIGNATURE)


# --- a registry that cheats its witnesses


def test_a_rollback_is_refused_by_whoever_saw_more():
    witness = a_witness(ONE)
    shorter, longer = a_registry(b"a", b"b"), a_registry(b"a", b"b", b"c")
    asked(witness, registry.claim_growth(longer))
    for claim in (
        registry.claim_growth(shorter),
        registry.claim_growth(shorter, since=2),
        GrowthClaim(3, (), shorter.checkpoint().note),
    ):
        refused(asked, witness, claim, code=Code.PROOF_VERIFICATION_ERROR)
    assert witness.last(ORIGIN).size == 3
    assert asked(a_witness(TWO), registry.claim_growth(shorter))


def test_what_is_watched_is_no_memory_for_it_would_be_rolled_back_too():
    watched = a_registry(b"a", b"b")
    careless = Witness("witness.example/w", ONE, watched)
    refused(asked, careless, registry.claim_growth(watched), code=Code.INVALID_OPTIONS)
    assert watched.checkpoint().size == 2
    assert asked(a_witness(ONE), registry.claim_growth(watched))


def test_two_histories_of_one_size_are_not_both_cosigned():
    witness = a_witness(ONE)
    asked(witness, registry.claim_growth(a_registry(b"a", b"b")))
    fork = registry.claim_growth(a_registry(b"a", b"B"))
    refused(asked, witness, fork, code=Code.PROOF_VERIFICATION_ERROR)
    same = registry.claim_growth(a_registry(b"a", b"b"))
    assert asked(witness, same)


@pytest.mark.parametrize("since", [0, 1, 2, 3])
def test_a_longer_fork_is_refused_whatever_growth_it_claims(since):
    witness = a_witness(ONE)
    asked(witness, registry.claim_growth(a_registry(b"a", b"b")))
    fork = registry.claim_growth(a_registry(b"a", b"B", b"c"), since=since)
    refused(asked, witness, fork, code=Code.PROOF_VERIFICATION_ERROR)
    honest = registry.claim_growth(a_registry(b"a", b"b", b"c"), since=2)
    assert asked(witness, honest)


def test_a_proof_with_changed_hashes_is_refused():
    witness, longer = a_witness(ONE), a_registry(b"a", b"b", b"c")
    asked(witness, registry.claim_growth(a_registry(b"a", b"b")))
    claim = registry.claim_growth(longer, since=2)
    for path in ((), claim.path * 2, (bytes(32),), (b"short",)):
        wrong = GrowthClaim(2, path, claim.note)
        refused(asked, witness, wrong, code=Code.PROOF_VERIFICATION_ERROR)
    assert asked(witness, claim)


def test_equivocation_shows_as_soon_as_two_witnesses_are_asked_for():
    one, two = a_witness(ONE, "w1.example"), a_witness(TWO, "w2.example")
    left, right = a_registry(b"a", b"b"), a_registry(b"a", b"B")
    shown_left = asked(one, registry.claim_growth(left))
    shown_right = asked(two, registry.claim_growth(right))
    for shown in (shown_left, shown_right):
        refused(believed, shown, one.key, two.key, code=Code.INVALID_SIGNATURE)
        assert believed(shown, one.key, two.key, threshold=1)
    with pytest.raises(InvalidInputError):
        asked(two, GrowthClaim(0, (), shown_left))
    stolen = shown_left + shown_right.splitlines(keepends=True)[-1]
    refused(believed, stolen, one.key, two.key, code=Code.INVALID_SIGNATURE)


def test_nobody_but_the_operator_has_anything_cosigned():
    witness = a_witness(ONE)
    unsigned = write_checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT, time=None, operator=None)
    by_eve = write_checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT, time=None, operator=EVE)
    for stated in (unsigned, by_eve):
        refused(asked, witness, GrowthClaim(0, (), stated.note), code=Code.INVALID_SIGNATURE)
    claim = registry.claim_growth(LEDGER)
    refused(asked, witness, claim, origin="other.example", code=Code.PROOF_VERIFICATION_ERROR)
    assert witness.last(ORIGIN) is None


def test_of_two_histories_shown_at_once_one_is_cosigned(tmp_path):
    memory = f"file:{tmp_path / 'memory'}"
    registry.connect(memory).close()
    histories = [a_registry(b"a", bytes([n])) for n in range(8)]

    def ask(ledger):
        with registry.connect(memory) as opened:
            try:
                return asked(Witness("w", ONE, opened), registry.claim_growth(ledger))
            except (InvalidInputError, ConflictError):
                return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(filter(None, pool.map(ask, histories)))
    assert len(answers) == 1
    with registry.connect(memory) as opened:
        (record,) = opened.read(ORIGIN)
    kept = registry.read_checkpoint(record.data.decode())
    assert kept.root == registry.read_checkpoint(answers[0]).root


# --- texts made to hurt


def test_a_huge_note_is_refused_before_it_is_read():
    refused(believed, GOOD + COSIGNATURE * (MAX_NOTE // 50), WITNESS.key, code=Code.INPUT_TOO_LARGE)
    sixteen = GOOD + "".join(line(bytes([n]) * 4, bytes(72), f"w{n}") for n in range(200))
    assert believed(sixteen, WITNESS.key)


def test_base64_has_one_form():
    name, text = COSIGNATURE.split()[1:]
    assert text.endswith("==")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    sloppy = text[:-3] + last[last.index(text[-3]) + 1] + "=="
    assert base64.b64decode(sloppy) == base64.b64decode(text)
    for form in (sloppy, text[:-1], text[:-2], text + "=", text.replace("+", "-")):
        bad = note(OPERATORS, f"— {name} {form}\n")
        if form != text:
            refused(believed, bad, WITNESS.key, code=Code.PARSING_ERROR)


@pytest.mark.parametrize(
    "bad",
    [
        "- witness.example/w AAAA\n",
        "— witness.example/w AAAA",
        "—  AAAA\n",
        "— a b AAAA\n",
        "— a+b AAAA\n",
        "— a \n",
        "\n",
        "— a AAAA\r\n",
        "— a AAAA\x00\n",
        "— \ud800 AAAA\n",
    ],
)
def test_what_is_no_signature_line_spoils_the_note(bad):
    refused(believed, GOOD + bad, WITNESS.key, code=Code.PARSING_ERROR)
