"""Checkpoints and proofs as texts: known answers, and every way to forge them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from cityid import keys, registry
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.registry import NewEntry, RecordProof, checkpoint, merkle
from cityid.registry.base import leaf_content

ORIGIN = "city.example/registry"
OPERATOR = keys.generate(seed=b"the operator of a registry, 32 b")
WITNESS = keys.generate(seed=b"a witness of the registry, 32 by")
TIME = datetime(2027, 3, 14, 9, 0, 0, 5, tzinfo=UTC)


def signature_line(signer, name, body):
    signature = checkpoint.key_id(name, signer.public_key) + signer.sign(body.encode())
    return f"— {name} {base64.b64encode(signature).decode()}\n"


def a_registry(records=5):
    ledger = registry.connect("memory:", origin=ORIGIN, operator=OPERATOR, clock=lambda: TIME)
    ledger.append([NewEntry("did:example:1", v + 1, b"%d" % v) for v in range(records)])
    return ledger


LEDGER = a_registry()
NOTE = LEDGER.checkpoint().note
BODY, SIGNATURES = NOTE.split("\n\n")
BODY += "\n"
PROOF = registry.prove(LEDGER, LEDGER.read("did:example:1")[2])


def refused(call, *arguments, code=None, **options):
    with pytest.raises(InvalidInputError) as caught:
        call(*arguments, **options)
    assert code is None or caught.value.code == code


def believed(note):
    return registry.verify_checkpoint(note, origin=ORIGIN, operator=OPERATOR.public_key)


# --- checkpoints


def test_the_example_of_the_go_implementation_verifies():
    # golang.org/x/mod/sumdb/note: its example key, text and signature.
    key = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    public = keys.public_key("Ed25519", key[1:])
    assert checkpoint.key_id("PeterNeumann", public).hex() == "c74f20a3"
    assert signature[:4].hex() == "c74f20a3"
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    public.verify(signature[4:], text.encode())


def test_the_text_is_the_one_of_transparency_logs():
    lines = NOTE.split("\n")
    assert lines[0] == ORIGIN
    assert lines[1] == "5"
    assert base64.b64decode(lines[2]) == LEDGER.checkpoint().root
    assert lines[3] == ""
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]
    signature = base64.b64decode(lines[4].rsplit(" ", 1)[1])
    preimage = ORIGIN.encode() + b"\n\x01" + OPERATOR.public_key.data
    assert signature[:4] == hashlib.sha256(preimage).digest()[:4]
    OPERATOR.public_key.verify(signature[4:], BODY.encode())


def test_signatures_of_others_are_left_alone():
    others = signature_line(WITNESS, "witness.example", BODY)
    stranger = f"— {ORIGIN} {base64.b64encode(bytes(80)).decode()}\n"
    for note in (NOTE + others, f"{BODY}\n{others}{SIGNATURES}", NOTE + stranger + others * 30):
        assert believed(note).size == 5


@pytest.mark.parametrize("size", ["0", "9007199254740991"])
def test_any_size_is_read(size):
    body = f"{ORIGIN}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    assert believed(f"{body}\n{signature_line(OPERATOR, ORIGIN, body)}").size == int(size)


def test_extension_lines_are_read_past_but_signed():
    body = BODY + "an extension\n"
    assert believed(f"{body}\n{signature_line(OPERATOR, ORIGIN, body)}").size == 5
    refused(believed, f"{body}\n{SIGNATURES}", code=Code.INVALID_SIGNATURE)


def test_another_key_name_or_origin_is_refused():
    foreign = WITNESS.public_key
    refused(
        registry.verify_checkpoint,
        NOTE,
        origin=ORIGIN,
        operator=foreign,
        code=Code.INVALID_SIGNATURE,
    )
    refused(
        registry.verify_checkpoint,
        NOTE,
        origin="other.example",
        operator=OPERATOR.public_key,
        code=Code.PROOF_VERIFICATION_ERROR,
    )
    renamed = f"{BODY}\n{signature_line(OPERATOR, 'other.example', BODY)}"
    refused(believed, renamed, code=Code.INVALID_SIGNATURE)
    refused(believed, BODY, code=Code.INVALID_SIGNATURE)


def test_the_operator_has_an_ed25519_key():
    with pytest.raises(UnsupportedError):
        registry.verify_checkpoint(NOTE, origin=ORIGIN, operator=keys.generate("P-256").public_key)


def test_one_bad_signature_of_the_operator_spoils_the_good_one():
    bad = (
        f"— {ORIGIN} "
        + base64.b64encode(checkpoint.key_id(ORIGIN, OPERATOR.public_key) + bytes(64)).decode()
    )
    refused(believed, f"{NOTE}{bad}\n")
    refused(believed, f"{BODY}\n{bad}\n{SIGNATURES}")


def test_no_changed_character_is_believed():
    checked = 0
    for place, character in enumerate(NOTE):
        for other in {chr(ord(character) ^ 1), "A", "\n", "é", ""} - {character}:
            refused(believed, NOTE[:place] + other + NOTE[place + 1 :])
            checked += 1
    assert checked > 500


ROOT = base64.b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n\n",
        f"\n5\n{ROOT}\n",
        f"{ORIGIN}\n{ROOT}\n",
        f"{ORIGIN}\n5\n",
        f"{ORIGIN}\n05\n{ROOT}\n",
        f"{ORIGIN}\n-5\n{ROOT}\n",
        f"{ORIGIN}\n+5\n{ROOT}\n",
        f"{ORIGIN}\n5.0\n{ROOT}\n",
        f"{ORIGIN}\n\u0665\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 400}\n{ROOT}\n",
        f"{ORIGIN}\n5\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n5\n{ROOT}",
        f"{ORIGIN}\n5\n{ROOT[:-2]}B=\n",
        f"{ORIGIN}\n5\n{base64.b64encode(bytes(31)).decode()}\n",
        f"{ORIGIN}\n5\n{base64.b64encode(bytes(33)).decode()}\n",
        f"{ORIGIN}\r\n5\r\n{ROOT}\r\n",
        f"a b\n5\n{ROOT}\n",
        f"a+b\n5\n{ROOT}\n",
        f"{ORIGIN}\n5\n{ROOT}\n\n",
        f"{ORIGIN}\n5\n{ROOT}\n\nno signature line\n",
        f"{ORIGIN}\n5\n{ROOT}\n\n- {ORIGIN} AAAA\n",
        f"{ORIGIN}\n5\n{ROOT}\n\n— {ORIGIN} AAAA",
        f"{ORIGIN}\n5\n{ROOT}\n\n— {ORIGIN} A\n",
        f"{ORIGIN}\n5\n{ROOT}\n\n— {ORIGIN} AB==\n",
        f"{ORIGIN}\n5\n{ROOT}\n\n— a+b AAAA\n",
        f"{ORIGIN}\n5\n{ROOT}\nx\x00\n",
        f"{ORIGIN}\n5\n{ROOT}\n\ud800\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(note):
    refused(registry.read_checkpoint, note, code=Code.PARSING_ERROR)


@pytest.mark.parametrize("note", [None, 5, NOTE.encode(), ["x"]])
def test_a_checkpoint_is_text(note):
    refused(registry.read_checkpoint, note, code=Code.PARSING_ERROR)


def test_a_checkpoint_is_not_too_long():
    refused(registry.read_checkpoint, "x" * 10_000_000, code=Code.INPUT_TOO_LARGE)


def test_growth_is_of_one_registry_and_consistent():
    old = LEDGER.checkpoint()
    later = a_registry(9)
    new = later.checkpoint()
    path = later.prove_consistency(old.size, new.size)
    registry.verify_growth(old, new, path)
    elsewhere = registry.read_checkpoint(new.note.replace(ORIGIN, "other.example"))
    refused(registry.verify_growth, old, elsewhere, path, code=Code.PROOF_VERIFICATION_ERROR)
    refused(registry.verify_growth, new, old, path, code=Code.PROOF_VERIFICATION_ERROR)
    refused(registry.verify_growth, old, new, path[1:], code=Code.PROOF_VERIFICATION_ERROR)


# --- the leaf


def test_the_leaf_says_the_whole_identity_of_a_record():
    content = leaf_content("did:example:1", 12, b"data", TIME)
    assert content == (
        b"cityid record v1\n"
        b"did:example:1\n"
        b"12\n"
        b"3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7\n"
        b"2027-03-14T09:00:00.000005Z\n"
    )
    assert hashlib.sha256(b"data").hexdigest().encode() in content
    early = TIME.replace(microsecond=6)
    others = {
        leaf_content("did:example:2", 12, b"data", TIME),
        leaf_content("did:example:1", 1, b"data", TIME),
        leaf_content("did:example:1", 12, b"datb", TIME),
        leaf_content("did:example:1", 12, b"data", early),
    }
    assert len(others | {content}) == 5


# --- proofs


def proved(proof, data=b"2", **options):
    return registry.verify_proof(
        proof, data, **{"origin": ORIGIN, "operator": OPERATOR.public_key, **options}
    )


def test_a_proof_has_the_form_of_transparency_logs_and_comes_back_from_it():
    text = PROOF.to_text()
    lines = text.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(PROOF.content).decode()
    assert lines[2] == "index 2"
    assert [base64.b64decode(line) for line in lines[3 : lines.index("")]] == list(PROOF.path)
    assert text.endswith("\n\n" + NOTE)
    assert RecordProof.from_text(text) == PROOF
    assert proved(text) == proved(PROOF) == LEDGER.read("did:example:1")[2]


def test_a_proof_for_a_tree_of_one_record_has_no_hashes():
    ledger = a_registry(1)
    proof = registry.prove(ledger, ledger.head("did:example:1"))
    assert proof.path == ()
    assert RecordProof.from_text(proof.to_text()) == proof
    assert proved(proof.to_text(), b"0").version == 1


def test_a_proof_is_about_its_data_registry_and_operator():
    refused(proved, PROOF, b"3", code=Code.DIGEST_MISMATCH)
    refused(proved, PROOF, origin="other.example", code=Code.PROOF_VERIFICATION_ERROR)
    refused(
        proved, PROOF, origin="other.example", operator=None, code=Code.PROOF_VERIFICATION_ERROR
    )
    refused(proved, PROOF, operator=WITNESS.public_key, code=Code.INVALID_SIGNATURE)
    assert proved(PROOF, operator=None).version == 3


def test_no_changed_character_of_a_proof_is_believed():
    text = PROOF.to_text()
    for place, character in enumerate(text):
        for other in {chr(ord(character) ^ 1), ""}:
            refused(proved, text[:place] + other + text[place + 1 :])


def test_no_other_index_path_or_content_is_believed():
    for index in (0, 1, 3, 4, 5, -1, 2**60):
        forged = RecordProof(PROOF.content, index, PROOF.path, NOTE)
        refused(proved, forged)
    for path in ((), PROOF.path[1:], PROOF.path[::-1], (*PROOF.path, bytes(32))):
        refused(proved, RecordProof(PROOF.content, 2, path, NOTE))
    for content in (
        b"",
        PROOF.content[:-1],
        PROOF.content.replace(b"\n3\n", b"\n4\n"),
        PROOF.content.replace(b"\n3\n", b"\n03\n"),
        PROOF.content.replace(b"2027", b"2026"),
        PROOF.content.replace(b"03-14", b"02-31"),
        PROOF.content.replace(b"did:example:1", b"did:example:2"),
        PROOF.content.replace(b"did:example:1", "did:exämple".encode()),
    ):
        refused(proved, RecordProof(content, 2, PROOF.path, NOTE))


def test_a_node_of_the_tree_is_not_taken_for_a_record():
    # The content of a leaf is text of a fixed form, so no pair of hashes can pose as one.
    pair = bytes(64)
    root = merkle.leaf_hash(pair)
    body = f"{ORIGIN}\n1\n{base64.b64encode(root).decode()}\n"
    note = f"{body}\n{signature_line(OPERATOR, ORIGIN, body)}"
    refused(proved, RecordProof(pair, 0, (), note), code=Code.PARSING_ERROR)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nextra AA==\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra AA==\nindex 00\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra AA==\nindex -1\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra AA==\nindex " + "9" * 5000 + "\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra AB==\nindex 0\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra é\nindex 0\n\n" + NOTE,
        "c2sp.org/tlog-proof@v1\nextra AA==\nindex 0\n \n\n" + NOTE,
    ],
)
def test_what_is_no_proof_is_refused(text):
    refused(proved, text, code=Code.PARSING_ERROR)
    refused(RecordProof.from_text, text, code=Code.PARSING_ERROR)


def test_a_proof_is_text_and_not_too_long():
    refused(RecordProof.from_text, None, code=Code.PARSING_ERROR)
    refused(RecordProof.from_text, "x" * 10_000_000, code=Code.INPUT_TOO_LARGE)
