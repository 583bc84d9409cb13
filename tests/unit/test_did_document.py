from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from cityid import did, keys, strict_json
from cityid.did import DIDDocument, Service, check_document
from cityid.encoding import base58btc_encode
from cityid.errors import Code, InvalidInputError, UnsupportedError

ALICE = "did:example:alice"
KEY = keys.generate(seed=bytes(32)).public_key
P256 = keys.generate("P-256", seed=bytes(31) + b"\1").public_key
SECP = keys.generate("secp256k1", seed=bytes(31) + b"\1").public_key
X25519 = keys.generate("X25519", seed=bytes(31) + b"\1").public_key

SHORT_KEY = "z" + base58btc_encode(bytes.fromhex("ed01") + bytes(31))
METHOD = {
    "id": "#key-1",
    "type": "Multikey",
    "controller": ALICE,
    "publicKeyMultibase": KEY.multikey,
    "expires": "2030-01-01T00:00:00Z",
    "revoked": "2029-01-01T01:00:00+01:00",
    "note": "kept",
}
WHOLE: dict[str, Any] = {
    "@context": ["https://www.w3.org/ns/did/v1.1", "https://city.example/v1", {"x": "urn:x"}],
    "id": ALICE,
    "controller": ["did:example:city", "did:example:state"],
    "alsoKnownAs": ["https://alice.example"],
    "verificationMethod": [METHOD],
    "authentication": ["#key-1", f"{ALICE}#key-1"],
    "assertionMethod": [METHOD | {"id": "#key-2"}],
    "service": [
        {"id": "#files", "type": ["Files", "Web"], "serviceEndpoint": "https://files.example"},
        {"type": "Chat", "serviceEndpoint": [{"uri": "x"}, "https://chat.example"], "more": 1},
    ],
    "unknown": {"deep": [1, None, True]},
}


def changed(**members: Any) -> dict[str, Any]:
    document = copy.deepcopy(WHOLE) | members
    return {name: value for name, value in document.items() if value is not ...}


def paths(document: object, **options: Any) -> list[str]:
    problems = check_document(document, **options)
    assert {problem.code for problem in problems} <= {Code.INVALID_DID_DOCUMENT}
    return [problem.path for problem in problems]


def test_a_whole_document_is_seen_through():
    document = DIDDocument.parse(WHOLE)
    assert check_document(WHOLE) == ()
    assert document.id == ALICE
    assert document.controller == ("did:example:city", "did:example:state")
    assert document.also_known_as == ("https://alice.example",)
    first, second = document.verification_methods
    assert (first.id, second.id) == (f"{ALICE}#key-1", f"{ALICE}#key-2")
    assert (first.type, first.controller) == ("Multikey", ALICE)
    assert first.public_key == KEY
    assert first.public_key is first.public_key
    assert first.expires == datetime(2030, 1, 1, tzinfo=UTC)
    assert first.revoked == datetime(2029, 1, 1, tzinfo=UTC)
    assert document.relationship("authentication") == (f"{ALICE}#key-1",) * 2
    assert document.relationship("assertionMethod") == (f"{ALICE}#key-2",)
    assert document.relationship("keyAgreement") == ()
    files, chat = document.services
    assert files.id == f"{ALICE}#files"
    assert files.types == ("Files", "Web")
    assert files.endpoints == ("https://files.example",)
    assert chat == Service(
        None, ("Chat",), ({"uri": "x"}, "https://chat.example"), WHOLE["service"][1]
    )
    assert len({document, files, first}) == 3


def test_unknown_members_survive_and_copies_are_fresh():
    document = DIDDocument.parse(WHOLE)
    assert document.to_dict() == WHOLE
    assert strict_json.parse(document.to_json()) == WHOLE
    document.to_dict()["unknown"]["deep"].append(2)
    assert document.to_dict() == WHOLE
    given = copy.deepcopy(WHOLE)
    kept = DIDDocument.parse(given)
    given["unknown"]["deep"].append(2)
    assert kept.to_dict() == WHOLE


def test_text_and_bytes_are_read_strictly():
    text = strict_json.write(WHOLE)
    assert DIDDocument.parse(text) == DIDDocument.parse(text.encode()) == DIDDocument.parse(WHOLE)
    with pytest.raises(InvalidInputError) as fault:
        DIDDocument.parse('{"id":"did:a:b","id":"did:a:c"}')
    assert fault.value.code is Code.DUPLICATE_KEY


def test_small_documents_have_nothing():
    document = DIDDocument.parse({"id": ALICE})
    assert (document.controller, document.also_known_as, document.services) == ((), (), ())
    assert document.verification_methods == ()
    assert DIDDocument.parse({"id": ALICE, "controller": ALICE}).controller == (ALICE,)


def test_there_are_five_relationships():
    with pytest.raises(InvalidInputError) as fault:
        DIDDocument.parse(WHOLE).relationship("publicKey")
    assert fault.value.code is Code.INVALID_OPTIONS


def test_relative_urls_are_written_out():
    expanded = DIDDocument.parse(WHOLE).with_absolute_urls().to_dict()
    assert expanded["verificationMethod"][0]["id"] == f"{ALICE}#key-1"
    assert expanded["authentication"] == [f"{ALICE}#key-1"] * 2
    assert expanded["assertionMethod"][0]["id"] == f"{ALICE}#key-2"
    assert expanded["service"][0]["id"] == f"{ALICE}#files"
    assert "id" not in expanded["service"][1]
    assert DIDDocument.parse({"id": ALICE}).with_absolute_urls().to_dict() == {"id": ALICE}


def test_a_document_is_shown_as_html():
    shown = DIDDocument.parse(changed(unknown="<script>"))._repr_html_()
    assert ALICE in shown
    assert "<script>" not in shown


NO_ID = {name: value for name, value in METHOD.items() if name != "id"}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"@context": ...}, []),
        ({"@context": "https://www.w3.org/ns/did/v1"}, ["/service/1/id"]),
        ({"@context": "https://w3id.org/did/v1"}, ["/@context"]),
        ({"@context": []}, ["/@context"]),
        ({"@context": "https://www.w3.org/ns/cid/v1"}, ["/@context"]),
        ({"@context": {}}, ["/@context"]),
        ({"@context": ["https://www.w3.org/ns/did/v1.1", 7]}, ["/@context/1"]),
        ({"@context": ["https://www.w3.org/ns/did/v1.1", "x"]}, ["/@context/1"]),
        ({"controller": "alice"}, ["/controller"]),
        ({"controller": ["did:a:b", 7]}, ["/controller/1"]),
        ({"controller": ["did:a:b", "did:a:b"]}, ["/controller"]),
        ({"controller": "https://a.example"}, ["/controller"]),
        ({"alsoKnownAs": "https://a.example"}, ["/alsoKnownAs"]),
        ({"alsoKnownAs": ["a", 7]}, ["/alsoKnownAs/0", "/alsoKnownAs/1"]),
        ({"alsoKnownAs": ["a:b", "a:b"]}, ["/alsoKnownAs"]),
        ({"verificationMethod": {}}, ["/verificationMethod"]),
        ({"verificationMethod": [7]}, ["/verificationMethod/0"]),
        ({"verificationMethod": [NO_ID]}, ["/verificationMethod/0/id"]),
        ({"verificationMethod": [METHOD | {"id": 7}]}, ["/verificationMethod/0/id"]),
        (
            {"verificationMethod": [METHOD | {"id": "https://a.example#k"}]},
            ["/verificationMethod/0/id"],
        ),
        ({"verificationMethod": [METHOD | {"id": "a b"}]}, ["/verificationMethod/0/id"]),
        (
            {"verificationMethod": [METHOD | {"controller": "#x"}]},
            ["/verificationMethod/0/controller"],
        ),
        ({"verificationMethod": [METHOD | {"type": ["A"]}]}, ["/verificationMethod/0/type"]),
        ({"verificationMethod": [METHOD | {"type": ""}]}, ["/verificationMethod/0/type"]),
        (
            {"verificationMethod": [METHOD | {"secretKeyMultibase": "z"}]},
            ["/verificationMethod/0/secretKeyMultibase"],
        ),
        ({"verificationMethod": [METHOD | {"publicKeyHex": "00"}]}, ["/verificationMethod/0"]),
        (
            {"verificationMethod": [METHOD | {"publicKeyMultibase": SHORT_KEY}]},
            ["/verificationMethod/0"],
        ),
        ({"verificationMethod": [METHOD | {"publicKeyMultibase": 7}]}, ["/verificationMethod/0"]),
        (
            {"verificationMethod": [METHOD | {"publicKeyMultibase": "z" * 999}]},
            [],
        ),
        ({"verificationMethod": [METHOD | {"expires": "soon"}]}, ["/verificationMethod/0/expires"]),
        (
            {"verificationMethod": [METHOD | {"revoked": "2029-01-01T00:00:00"}]},
            ["/verificationMethod/0/revoked"],
        ),
        ({"verificationMethod": [METHOD, METHOD]}, []),
        (
            {"verificationMethod": [METHOD, METHOD | {"note": "x"}]},
            ["/verificationMethod/1/id"],
        ),
        ({"assertionMethod": [METHOD | {"note": "x"}]}, ["/assertionMethod/0/id"]),
        ({"authentication": "#key-1"}, ["/authentication"]),
        ({"authentication": ["a b", 7]}, ["/authentication/0", "/authentication/1"]),
        ({"authentication": ["#a", "#a"]}, ["/authentication"]),
        ({"service": {}}, ["/service"]),
        ({"service": [7]}, ["/service/0"]),
        ({"service": [{}]}, ["/service/0/type", "/service/0/serviceEndpoint"]),
        ({"service": [WHOLE["service"][0] | {"id": "a b"}]}, ["/service/0/id"]),
        ({"service": [WHOLE["service"][0]] * 2}, ["/service"]),
        ({"service": [WHOLE["service"][0] | {"type": [7]}]}, ["/service/0/type"]),
        (
            {"service": [WHOLE["service"][0] | {"serviceEndpoint": ["x", 7]}]},
            ["/service/0/serviceEndpoint", "/service/0/serviceEndpoint"],
        ),
    ],
)
def test_each_rule_tells_its_fault(members, expected):
    assert paths(changed(**members)) == expected


def test_every_fault_is_told_at_once():
    document = {"id": "alice", "@context": "x", "controller": 7, "alsoKnownAs": 7, "service": 7}
    assert paths(document) == ["/@context", "/id", "/controller", "/alsoKnownAs", "/service"]
    with pytest.raises(InvalidInputError, match=r"4 more\) \(at /@context\)") as fault:
        DIDDocument.parse(document)
    assert fault.value.code is Code.INVALID_DID_DOCUMENT
    with pytest.raises(InvalidInputError, match=r"subject \(at /id\)"):
        DIDDocument.parse({"id": "alice"})


@pytest.mark.parametrize("document", [None, 7, "x", [], [["id", "did:a:b"]]])
def test_only_objects_are_documents(document):
    assert paths(document) == [""]
    with pytest.raises(InvalidInputError):
        DIDDocument.parse(document)


def test_what_is_no_json_value_is_no_document():
    assert [problem.path for problem in check_document(b"{}")] == [""]


def test_what_is_no_json_is_told():
    (problem,) = check_document({"id": ALICE, "x": float("nan")})
    assert (problem.code, problem.path) == (Code.NUMBER_OUT_OF_RANGE, "/x")


def test_documents_of_other_urls_are_read_only_when_asked():
    url = "https://city.example/office"
    document = {
        "@context": "https://www.w3.org/ns/cid/v1",
        "id": url,
        "controller": "https://state.example/",
        "verificationMethod": [METHOD | {"controller": url}],
        "assertionMethod": ["#key-1"],
    }
    assert paths(document)[:2] == ["/@context", "/id"]
    assert paths(document, any_url=True) == []
    read = DIDDocument.parse(document, any_url=True)
    assert read.verification_methods[0].id == f"{url}#key-1"
    assert read.relationship("assertionMethod") == (f"{url}#key-1",)
    assert paths(document | {"id": f"{url}#x"}, any_url=True)[0] == "/id"
    assert paths({"id": "did:Bad:x"}, any_url=True) == ["/id"]


@pytest.mark.parametrize(
    ("kind", "material", "expected"),
    [
        ("Multikey", {"publicKeyMultibase": P256.multikey}, P256),
        ("JsonWebKey", {"publicKeyJwk": KEY.jwk}, KEY),
        ("JsonWebKey2020", {"publicKeyJwk": SECP.jwk}, SECP),
        ("Ed25519VerificationKey2018", {"publicKeyBase58": base58btc_encode(KEY.data)}, KEY),
        ("Ed25519VerificationKey2018", {"publicKeyJwk": KEY.jwk}, KEY),
        ("Ed25519VerificationKey2020", {"publicKeyMultibase": KEY.multikey}, KEY),
        ("EcdsaSecp256k1VerificationKey2019", {"publicKeyJwk": SECP.jwk}, SECP),
        ("EcdsaSecp256k1VerificationKey2019", {"publicKeyHex": SECP.data.hex()}, SECP),
        ("EcdsaSecp256k1VerificationKey2019", {"publicKeyMultibase": SECP.multikey}, SECP),
        ("EcdsaSecp256r1VerificationKey2019", {"publicKeyJwk": P256.jwk}, P256),
        ("P256Key2021", {"publicKeyBase58": base58btc_encode(P256.data)}, P256),
        ("X25519KeyAgreementKey2019", {"publicKeyBase58": base58btc_encode(X25519.data)}, X25519),
        ("X25519KeyAgreementKey2020", {"publicKeyMultibase": X25519.multikey}, X25519),
    ],
)
def test_keys_of_every_type_are_read(kind, material, expected):
    document = DIDDocument.parse(
        {
            "id": ALICE,
            "verificationMethod": [{"id": "#k", "type": kind, "controller": ALICE} | material],
        }
    )
    assert document.verification_methods[0].public_key == expected


@pytest.mark.parametrize(
    ("kind", "material", "error"),
    [
        ("Multikey", {}, InvalidInputError),
        ("Multikey", {"publicKeyBase58": base58btc_encode(KEY.data)}, InvalidInputError),
        ("Multikey", {"publicKeyMultibase": "z" * 999}, UnsupportedError),
        ("JsonWebKey", {"publicKeyJwk": 7}, InvalidInputError),
        ("JsonWebKey2020", {"publicKeyJwk": {"kty": "RSA"}}, UnsupportedError),
        ("Ed25519VerificationKey2018", {"publicKeyBase58": "0"}, InvalidInputError),
        ("Ed25519VerificationKey2018", {"publicKeyHex": "xy"}, InvalidInputError),
        ("Ed25519VerificationKey2020", {"publicKeyMultibase": P256.multikey}, InvalidInputError),
        ("Ed25519VerificationKey2020", {"publicKeyMultibase": ["z"]}, InvalidInputError),
        ("RsaVerificationKey2018", {"publicKeyPem": "x"}, UnsupportedError),
    ],
)
def test_keys_that_cannot_be_read_are_told_when_used(kind, material, error):
    method = {"id": f"{ALICE}#k", "type": kind, "controller": ALICE} | material
    read = did.VerificationMethod.read(method, ALICE)
    with pytest.raises(error) as caught:
        _ = read.public_key
    if error is InvalidInputError:
        assert caught.value.code is Code.INVALID_VERIFICATION_METHOD


def test_a_method_alone_is_read_strictly():
    with pytest.raises(InvalidInputError) as fault:
        did.VerificationMethod.read({"id": "#k", "type": 7, "controller": ALICE}, ALICE)
    assert fault.value.code is Code.INVALID_VERIFICATION_METHOD
