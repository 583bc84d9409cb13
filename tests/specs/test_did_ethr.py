"""did:ethr: what its specification demands, each demand beside what breaks it.

The specification has no vectors but the examples in its text. Two of them are wrong and stand
here as they should be: the address of its first public key, and the JWK of its second.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cityid import did, keys
from cityid.did.methods import ethr
from cityid.errors import Code
from cityid.registry.ethereum.hashing import checksummed
from ethr_chain import CHAIN_ID, NETWORKS, NOBODY, Town

ALICE = bytes.fromhex("f3beac30c498d9e26865f34fcaa57dbb935b0d74")
BOB = bytes.fromhex("12345678c498d9e26865f34fcaa57dbb935b0d74")
DID = f"did:ethr:city:0x{ALICE.hex()}"
GENERATOR = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
GENERATOR_ADDRESS = "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
SECP256K1 = bytes.fromhex("02b97c30de767f084ce3080168ee293053ba33b235d7116a3263d29f1450936b71")
ED25519 = bytes.fromhex("c642b35757cc36906fa75fa0338bf33e5210c5bce4769324801fd64276d69d07")
X25519 = bytes.fromhex("118557777ffb078774371a52b00fed75561dcf975e61c47553e664a617661052")
LONG = 10**8
BASE = [
    "https://www.w3.org/ns/did/v1",
    "https://w3id.org/security/suites/secp256k1recovery-2020/v2",
]
SECURITY_V2 = "https://w3id.org/security/v2"
JWK_TERM = {"publicKeyJwk": {"@id": "https://w3id.org/security#publicKeyJwk", "@type": "@json"}}
HEX_TERM = {"publicKeyHex": "https://w3id.org/security#publicKeyHex"}


@pytest.fixture
def town() -> Town:
    return Town()


def resolve(town: Town, subject: str = DID, at: int | None = None, **options: Any) -> Any:
    """Resolve as of the chain's time, or a later one."""
    moment = datetime.fromtimestamp(town.time if at is None else at, UTC)
    method = ethr.method(town, networks=NETWORKS, clock=lambda: moment)
    return did.resolver(methods=[method]).resolve(subject, did.ResolutionOptions(**options))


def document(town: Town, subject: str = DID, **options: Any) -> dict[str, Any]:
    result = resolve(town, subject, **options)
    assert result.error is None, result.error
    assert did.check_document(result.document.to_dict()) == ()
    return result.document.to_dict()


def fragments(town: Town, relationship: str = "verificationMethod", **options: Any) -> list[str]:
    entries = document(town, **options).get(relationship, [])
    return [(e if isinstance(e, str) else e["id"]).partition("#")[2] for e in entries]


# Method-specific identifier


def account(address: str) -> str:
    return f"eip155:{CHAIN_ID}:{address}"


def test_the_default_document_of_an_address(town):
    address = "0xF3beAC30C498D9E26865F34fCAa57dBB935b0D74"
    assert document(town) == {
        "@context": BASE,
        "id": DID,
        "verificationMethod": [
            {
                "id": f"{DID}#controller",
                "type": "EcdsaSecp256k1RecoveryMethod2020",
                "controller": DID,
                "blockchainAccountId": account(address),
            }
        ],
        "authentication": [f"{DID}#controller"],
        "assertionMethod": [f"{DID}#controller"],
    }
    assert resolve(town).document_metadata.to_dict() == {}


def test_the_default_document_of_a_public_key(town):
    subject = f"did:ethr:city:0x{GENERATOR}"
    assert document(town, subject) == {
        "@context": [*BASE, SECURITY_V2, JWK_TERM],
        "id": subject,
        "verificationMethod": [
            {
                "id": f"{subject}#controller",
                "type": "EcdsaSecp256k1RecoveryMethod2020",
                "controller": subject,
                "blockchainAccountId": account(GENERATOR_ADDRESS),
            },
            {
                "id": f"{subject}#controllerKey",
                "type": "EcdsaSecp256k1VerificationKey2019",
                "controller": subject,
                "publicKeyJwk": {
                    "crv": "secp256k1",
                    "kty": "EC",
                    "x": "eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g",
                    "y": "SDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj_sQ1Lg",
                },
            },
        ],
        "authentication": [f"{subject}#controller", f"{subject}#controllerKey"],
        "assertionMethod": [f"{subject}#controller", f"{subject}#controllerKey"],
    }


def test_without_a_network_the_mainnet_is_meant():
    town = Town(chain_id=1)
    address = f"0x{ALICE.hex()}"
    spelled = [f"did:ethr:{address}", f"did:ethr:mainnet:{address}", f"did:ethr:0x1:{address}"]
    networks = {"mainnet": ethr.Network(1, NETWORKS["city"].registry)}
    method = ethr.method(town, networks=networks)
    resolver = did.resolver(methods=[method])
    documents = [resolver.resolve(subject).document.to_json() for subject in spelled]
    same = {text.replace(subject, "DID") for text, subject in zip(documents, spelled, strict=True)}
    assert len(same) == 1


def test_a_chain_is_named_by_its_number_too(town):
    assert document(town, f"did:ethr:0x7a69:0x{ALICE.hex()}")["authentication"]
    assert document(town, f"did:ethr:0x7A69:0x{ALICE.hex()}")["authentication"]


def test_addresses_and_keys_are_read_in_any_case(town):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    for spelled in (DID, f"did:ethr:city:0x{ALICE.hex().upper()}"):
        assert fragments(town, subject=spelled) == ["controller", "delegate-1"]
    subject = f"did:ethr:city:0x{GENERATOR.upper()}"
    assert fragments(town, subject=subject) == ["controller", "controllerKey"]


@pytest.mark.parametrize(
    "subject",
    [
        "did:ethr:city",
        "did:ethr:0x12",
        f"did:ethr:city:{ALICE.hex()}",
        f"did:ethr:city:0x{ALICE.hex()}0",
        f"did:ethr:city:0X{ALICE.hex()}",
        f"did:ethr:city:0x{ALICE.hex()[:-1]}g",
        f"did:ethr:0x:0x{ALICE.hex()}",
        f"did:ethr:0x0:0x{ALICE.hex()}",
        f"did:ethr:0xg1:0x{ALICE.hex()}",
        f"did:ethr:c%69ty:0x{ALICE.hex()}",
        f"did:ethr:city:0x04{GENERATOR[2:]}",  # the prefix of a point that is not compressed
        f"did:ethr:city:0x02{'ff' * 32}",  # no point of the curve
        f"did:ethr:city:0x{NOBODY.hex()}",
    ],
)
def test_what_is_no_did_ethr_is_invalid(town, subject):
    assert resolve(town, subject).error.code is Code.INVALID_DID


def test_the_name_of_the_method_is_in_lower_case(town):
    assert resolve(town, f"did:ETHR:0x{ALICE.hex()}").error.code is Code.INVALID_DID


def test_a_network_that_is_not_known_is_unsupported_and_not_missing(town):
    for network in ("nowhere", "0x539", "sepolia"):
        error = resolve(town, f"did:ethr:{network}:0x{ALICE.hex()}").error
        assert error.code is Code.METHOD_NOT_SUPPORTED


# The controller


def test_the_controller_follows_its_changes(town):
    town.mine()
    town.change_owner(ALICE, BOB)
    method = document(town)["verificationMethod"][0]
    assert method["id"] == f"{DID}#controller"
    assert method["blockchainAccountId"].lower() == account("0x" + BOB.hex())


def test_the_controller_stands_for_authentication_and_assertion_and_is_no_controller_member(town):
    found = document(town)
    assert "controller" not in found
    assert found["authentication"] == found["assertionMethod"] == [f"{DID}#controller"]


def test_the_key_of_the_did_goes_when_the_controller_is_another_and_comes_back_with_it(town):
    subject = f"did:ethr:city:0x{GENERATOR}"
    identity = bytes.fromhex(GENERATOR_ADDRESS[2:])
    town.mine()
    town.change_owner(identity, BOB)
    away = document(town, subject)
    assert [method["id"] for method in away["verificationMethod"]] == [f"{subject}#controller"]
    assert away["@context"] == BASE
    assert "controllerKey" not in str(away)
    town.mine()
    town.change_owner(identity, identity)
    assert f"{subject}#controllerKey" in document(town, subject)["authentication"]


# Delegates


@pytest.mark.parametrize(
    ("kind", "relationship", "other"),
    [
        ("veriKey", "assertionMethod", "authentication"),
        ("sigAuth", "authentication", "assertionMethod"),
    ],
)
def test_a_delegate_stands_where_its_kind_says_and_nowhere_else(town, kind, relationship, other):
    town.mine()
    town.add_delegate(ALICE, kind, BOB, LONG)
    found = document(town)
    assert found["verificationMethod"][1] == {
        "id": f"{DID}#delegate-1",
        "type": "EcdsaSecp256k1RecoveryMethod2020",
        "controller": DID,
        "blockchainAccountId": account(checksummed(BOB)),
    }
    assert f"{DID}#delegate-1" in found[relationship]
    assert f"{DID}#delegate-1" not in found[other]


@pytest.mark.parametrize("kind", ["", "enc", "VeriKey", "veriKey2", b"\xff" * 32])
def test_a_delegate_of_another_kind_is_not_published(town, kind):
    town.mine()
    town.add_delegate(ALICE, kind, BOB, LONG)
    assert fragments(town) == ["controller"]


def test_a_delegate_counts_to_the_last_second_of_its_time(town):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, 100)
    end = town.time + 100
    assert fragments(town, at=end) == ["controller", "delegate-1"]
    assert fragments(town, at=end + 1) == ["controller"]


def test_a_revoked_delegate_is_gone_at_once(town):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    block = town.mine()
    town.revoke_delegate(ALICE, "veriKey", BOB)
    assert fragments(town) == ["controller"]
    assert fragments(town, version_id=str(block)) == ["controller"]
    assert fragments(town, version_id=str(block - 1)) == ["controller", "delegate-1"]


def test_a_revoked_delegate_is_gone_even_for_a_clock_that_is_behind_the_chain(town):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.mine()
    town.revoke_delegate(ALICE, "veriKey", BOB)
    assert fragments(town, at=town.time - 5) == ["controller"]


def test_revoking_one_kind_of_delegate_leaves_the_other(town):
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.add_delegate(ALICE, "sigAuth", BOB, LONG)
    town.mine()
    town.revoke_delegate(ALICE, "veriKey", BOB)
    assert fragments(town) == ["controller", "delegate-2"]


# Public keys


def key(town: Town, name: str, value: bytes) -> dict[str, Any]:
    town.mine()
    town.set_attribute(ALICE, name, value, LONG)
    found = document(town)
    (method,) = found["verificationMethod"][1:]
    assert (method.pop("id"), method.pop("controller")) == (f"{DID}#delegate-1", DID)
    return {"@context": found["@context"][2:], **method}


@pytest.mark.parametrize("hint", ["", "/base64"])
def test_a_secp256k1_key_is_given_as_jwk(town, hint):
    expected = keys.public_key("secp256k1", SECP256K1).jwk
    assert expected["x"] == "uXww3nZ_CEzjCAFo7ikwU7ozsjXXEWoyY9KfFFCTa3E"
    assert key(town, f"did/pub/Secp256k1/veriKey{hint}", SECP256K1) == {
        "@context": [SECURITY_V2, JWK_TERM],
        "type": "EcdsaSecp256k1VerificationKey2019",
        "publicKeyJwk": expected,
    }


def test_a_secp256k1_key_is_given_in_hexadecimal_where_its_name_says_so(town):
    assert key(town, "did/pub/Secp256k1/veriKey/hex", SECP256K1) == {
        "@context": [SECURITY_V2, HEX_TERM],
        "type": "EcdsaSecp256k1VerificationKey2019",
        "publicKeyHex": SECP256K1.hex(),
    }


@pytest.mark.parametrize("hint", ["", "/hex", "/base64", "/base58"])
def test_an_ed25519_key_is_given_as_multibase(town, hint):
    assert key(town, f"did/pub/Ed25519/veriKey{hint}", ED25519) == {
        "@context": ["https://w3id.org/security/suites/ed25519-2020/v1"],
        "type": "Ed25519VerificationKey2020",
        "publicKeyMultibase": "z6MksoBm2hUcoKLLHsUQ77iA5YXxwNskXJ9fs7V7z8edniop",
    }


def test_an_x25519_key_is_given_as_multibase_and_agrees_alone(town):
    assert key(town, "did/pub/X25519/enc", X25519) == {
        "@context": ["https://w3id.org/security/suites/x25519-2020/v1"],
        "type": "X25519KeyAgreementKey2020",
        "publicKeyMultibase": "z6LScra2Lg8mSU6TkMX1AKJSn6ApwneQkfXgJZpj48hCp3N1",
    }
    assert fragments(town, "keyAgreement") == ["delegate-1"]
    assert fragments(town, "assertionMethod") == fragments(town, "authentication") == ["controller"]


def test_an_rsa_key_is_given_as_pem(town):
    der = b"\x30\x82\x01\x22" + bytes(range(256)) + bytes(34)
    method = key(town, "did/pub/RSA/veriKey", der)
    assert (method["@context"], method["type"]) == ([SECURITY_V2], "RsaVerificationKey2018")
    head, *lines, foot = method["publicKeyPem"].split("\n")
    assert (head, foot) == ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----")
    assert {len(line) for line in lines[:-1]} == {64}
    assert lines[0].startswith("MIIBIgAB")


def test_an_rsa_key_that_is_a_pem_already_stays_one(town):
    pem = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"
    assert key(town, "did/pub/RSA/veriKey/pem", pem.encode())["publicKeyPem"] == pem


@pytest.mark.parametrize("type_", ["Ed25519", "P-256", "P-384", "secp256k1", "X25519"])
def test_a_multikey_carries_its_prefix_itself(town, type_):
    public = keys.generate(type_).public_key
    raw = public.algorithm.public_codec.prefix + public.data
    assert key(town, "did/pub/Multikey/veriKey", raw) == {
        "@context": ["https://w3id.org/security/multikey/v1"],
        "type": "Multikey",
        "publicKeyMultibase": public.multikey,
    }


def test_a_multikey_of_a_kind_that_is_not_known_here_is_given_all_the_same(town):
    raw = bytes([0x90, 0x24]) + bytes(1312)  # ML-DSA-44
    assert key(town, "did/pub/Multikey/veriKey", raw)["publicKeyMultibase"].startswith("z")


@pytest.mark.parametrize(
    ("hint", "member", "value", "terms"),
    [
        ("", "publicKeyHex", "00ff", [HEX_TERM]),
        ("/hex", "publicKeyHex", "00ff", [HEX_TERM]),
        ("/base64", "publicKeyBase64", "AP8=", []),
        ("/base58", "publicKeyBase58", "15Q", []),
    ],
)
def test_an_algorithm_that_is_not_known_is_the_type_itself(town, hint, member, value, terms):
    assert key(town, f"did/pub/Quantum/veriKey{hint}", b"\x00\xff") == {
        "@context": terms,
        "type": "Quantum",
        member: value,
    }


@pytest.mark.parametrize(
    ("purpose", "relationship"),
    [("veriKey", "assertionMethod"), ("sigAuth", "authentication"), ("enc", "keyAgreement")],
)
def test_a_key_stands_where_its_purpose_says_and_nowhere_else(town, purpose, relationship):
    town.mine()
    town.set_attribute(ALICE, f"did/pub/Ed25519/{purpose}", ED25519, LONG)
    for name in did.RELATIONSHIPS:
        expected = ["delegate-1"] if name == relationship else []
        assert [f for f in fragments(town, name) if f != "controller"] == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("did/pub/Ed25519", ED25519),
        ("did/pub/Ed25519/", ED25519),
        ("did/pub/Ed25519/signing", ED25519),
        ("did/pub//veriKey", ED25519),
        ("did/pub/Ed25519/veriKey/", ED25519),
        ("did/pub/Ed25519/veriKey/base32", ED25519),
        ("did/pub/Ed25519/veriKey/hex/x", ED25519),
        ("did/pub/Ed25519/veriKey", ED25519[:-1]),
        ("did/pub/Ed25519/veriKey", b""),
        ("did/pub/X25519/enc", X25519 + b"\0"),
        ("did/pub/Secp256k1/veriKey", bytes(33)),
        ("did/pub/Secp256k1/veriKey/hex", b"\x02" + b"\xff" * 32),
        ("did/pub/RSA/veriKey", b"no DER"),
        ("did/pub/RSA/veriKey", b"\x30"),
        ("did/pub/RSA/veriKey/pem", b"-----BEGIN PUBLIC KEY-----\xff"),
        ("did/pub/Multikey/veriKey", b"\x80"),
        ("did/pub/Multikey/veriKey", b"\xed\x01" + bytes(31)),
        ("did/pub/Multikey/veriKey", b"\x12\x20" + bytes(32)),  # a digest
        ("did/pub/Multikey/veriKey", bytes.fromhex("8026") + bytes(32)),  # a secret key
        ("did/pub/Other/veriKey/pem", b"\xff"),
        ("did/publ/Ed25519/veriKey", ED25519),
        ("DID/pub/Ed25519/veriKey", ED25519),
        ("", ED25519),
        (b"\xff" * 32, ED25519),
    ],
)
def test_what_is_no_key_adds_none_and_harms_no_other(town, name, value):
    town.mine()
    town.set_attribute(ALICE, name, value, LONG)
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    assert len(fragments(town)) == 2
    assert "service" not in document(town)


# Services


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ("https://hubs.uport.me", "https://hubs.uport.me"),
        ('{"uri": "https://a.example", "n": 1}', {"uri": "https://a.example", "n": 1}),
        ('["https://a.example", {"uri": "x"}]', ["https://a.example", {"uri": "x"}]),
        ('"https://a.example"', "https://a.example"),
    ],
)
def test_a_service_is_announced(town, value, endpoint):
    town.mine()
    town.set_attribute(ALICE, "did/svc/HubService", value.encode(), LONG)
    assert document(town)["service"] == [
        {"id": f"{DID}#service-1", "type": "HubService", "serviceEndpoint": endpoint}
    ]


@pytest.mark.parametrize(
    "value",
    [b"\xff", b"", b"no URL", b"12", b"null", b"[]", b"[1]", b'{"a": 1, "a": 2}', b"[" * 1000],
)
def test_what_is_no_endpoint_announces_nothing(town, value):
    town.mine()
    town.set_attribute(ALICE, "did/svc/Hub", value, LONG)
    town.set_attribute(ALICE, "did/svc/Other", b"https://b.example", LONG)
    assert [service["id"] for service in document(town)["service"]] == [f"{DID}#service-2"]


@pytest.mark.parametrize("name", ["did/svc/", "did/svc/a/b", "did/svc/a b", "did/service/a"])
def test_what_names_no_service_announces_none(town, name):
    town.mine()
    town.set_attribute(ALICE, name, b"https://b.example", LONG)
    assert "service" not in document(town)


# The ids of entries


def test_the_ids_of_the_specification_s_example(town):
    """Every change of a section is counted, that which takes something away too."""
    steps = [
        (
            lambda: town.set_attribute(ALICE, "did/pub/Ed25519/veriKey", ED25519, LONG),
            ["delegate-1"],
        ),
        (
            lambda: town.set_attribute(ALICE, "did/pub/Secp256k1/veriKey", SECP256K1, LONG),
            ["delegate-1", "delegate-2"],
        ),
        (
            lambda: town.add_delegate(ALICE, "veriKey", BOB, 35),
            ["delegate-1", "delegate-2", "delegate-3"],
        ),
        (
            lambda: town.set_attribute(ALICE, "did/svc/Hub", b"https://a.example", LONG),
            ["delegate-1", "delegate-2", "delegate-3"],
        ),
        (
            lambda: town.revoke_attribute(ALICE, "did/pub/Ed25519/veriKey", ED25519),
            ["delegate-2", "delegate-3"],
        ),
        (
            lambda: town.add_delegate(ALICE, "sigAuth", BOB, LONG),
            ["delegate-2", "delegate-3", "delegate-5"],
        ),
    ]
    for change, expected in steps:
        town.mine()
        change()
        assert fragments(town) == ["controller", *expected]
    assert fragments(town, at=town.time + 100) == ["controller", "delegate-2", "delegate-5"]
    assert fragments(town, "service") == ["service-1"]


@pytest.mark.parametrize(
    "name", ["did/pub/Ed25519", "did/pub/P-256/veriKey", "did/pub/@/veriKey", "did/pub/"]
)
def test_an_id_stays_when_a_strange_attribute_before_it_expires(town, name):
    town.mine()
    town.set_attribute(ALICE, name, b"strange", 10)
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    assert fragments(town)[-1] == fragments(town, at=town.time + 11)[-1] == "delegate-2"


def test_other_attributes_are_not_counted(town):
    town.mine()
    town.set_attribute(ALICE, "name", b"personal", LONG)
    town.set_attribute(ALICE, b"\xff\xfe", b"binary", LONG)
    town.add_delegate(ALICE, b"\xff\xfe", BOB, LONG)
    town.change_owner(ALICE, BOB)
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    assert fragments(town) == ["controller", "delegate-1"]


def test_whoever_renews_a_key_gets_a_new_id_and_one_entry(town):
    town.mine()
    town.set_attribute(ALICE, "did/pub/Ed25519/veriKey", ED25519, 50)
    town.mine()
    town.set_attribute(ALICE, "did/pub/Ed25519/veriKey", ED25519, LONG)
    assert fragments(town) == ["controller", "delegate-2"]
    assert fragments(town, at=town.time + 100) == ["controller", "delegate-2"]


# Deactivation


def test_a_did_whose_owner_is_nobody_is_deactivated(town):
    block = town.mine()
    town.set_attribute(ALICE, "did/pub/Ed25519/veriKey", ED25519, LONG)
    last = town.mine()
    town.change_owner(ALICE, NOBODY)
    result = resolve(town)
    assert result.document is None
    assert result.error is None
    assert result.document_metadata.to_dict() == {
        "deactivated": True,
        "versionId": str(last),
        "updated": moment(town.time),
    }
    before = resolve(town, version_id=str(block))
    assert before.document is not None
    assert before.document_metadata.to_dict() == {
        "versionId": str(block),
        "updated": moment(town.times[block]),
        "nextVersionId": str(last),
        "nextUpdate": moment(town.time),
    }


def test_nothing_after_the_deactivation_counts(town):
    """The contract lets the first owner go on; the specification does not."""
    last = town.mine()
    town.change_owner(ALICE, NOBODY)
    town.mine()
    town.add_delegate(ALICE, "veriKey", BOB, LONG)
    town.change_owner(ALICE, BOB)
    result = resolve(town)
    assert result.document is None
    assert result.document_metadata.deactivated
    assert result.document_metadata.version_id == str(last)
    assert result.document_metadata.next_version_id is None


# Metadata and versions


def moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def versions(town) -> list[int]:
    blocks = []
    for index in range(3):
        town.mine()
        blocks.append(town.mine())
        town.set_attribute(ALICE, f"did/svc/S{index}", b"https://a.example", 65)
    town.mine()
    return blocks


def test_the_newest_version_is_that_of_the_last_change(town, versions):
    assert resolve(town).document_metadata.to_dict() == {
        "versionId": str(versions[-1]),
        "updated": moment(town.times[versions[-1]]),
    }


@pytest.mark.parametrize("later", [0, 1])
def test_a_version_is_what_had_changed_up_to_its_block(town, versions, later):
    metadata = resolve(town, version_id=str(versions[1] + later)).document_metadata.to_dict()
    assert metadata == {
        "versionId": str(versions[1]),
        "updated": moment(town.times[versions[1]]),
        "nextVersionId": str(versions[2]),
        "nextUpdate": moment(town.times[versions[2]]),
    }
    found = fragments(town, "service", version_id=str(versions[1] + later))
    assert found == ["service-1", "service-2"]


def test_a_version_before_every_change_has_none(town, versions):
    metadata = resolve(town, version_id=str(versions[0] - 1)).document_metadata.to_dict()
    assert metadata == {
        "nextVersionId": str(versions[0]),
        "nextUpdate": moment(town.times[versions[0]]),
    }


def test_what_had_not_expired_at_the_block_of_a_version_is_in_it(town, versions):
    town.mine(seconds=40)
    assert fragments(town, "service") == ["service-3"]
    assert fragments(town, "service", version_id=str(versions[2])) == [
        "service-1",
        "service-2",
        "service-3",
    ]


def test_a_version_is_asked_for_in_a_did_url(town, versions):
    method = ethr.method(town, networks=NETWORKS)
    resolver = did.resolver(methods=[method])
    found = resolver.dereference(f"{DID}?versionId={versions[0]}#service-1")
    assert found.error is None
    assert found.content_metadata.version_id == str(versions[0])


@pytest.mark.parametrize("version", ["latest", "-1", "1.0", "0x1", "01", "", "9" * 17])
def test_a_version_is_the_height_of_a_block(town, version):
    assert resolve(town, version_id=version).error.code is Code.INVALID_OPTIONS


@pytest.mark.usefixtures("versions")
def test_a_block_that_is_not_there_yet_is_no_version(town):
    assert resolve(town, version_id=str(town.height)).error is None
    assert resolve(town, version_id=str(town.height + 1)).error.code is Code.NOT_FOUND


@pytest.mark.parametrize("name", ["version_time", "recorded_by"])
def test_a_time_means_the_newest_version_of_then(town, versions, name):
    for index, block in enumerate(versions):
        for seconds in (0, 9):
            at = datetime.fromtimestamp(town.times[block] + seconds, UTC)
            result = resolve(town, **{name: at})
            assert result.document_metadata.version_id == str(block)
            assert len(result.document.services) == index + 1
    before = datetime.fromtimestamp(town.times[versions[0]] - 1, UTC)
    result = resolve(town, **{name: before})
    assert result.document_metadata.version_id is None
    assert result.document.services == ()


def test_at_a_time_only_that_counts_which_had_not_expired(town, versions):
    end = town.times[versions[0]] + 65
    for name in ("version_time", "recorded_by"):
        at = datetime.fromtimestamp(end, UTC)
        assert fragments(town, "service", **{name: at})[0] == "service-1"
        at = datetime.fromtimestamp(end + 1, UTC)
        assert fragments(town, "service", **{name: at})[0] == "service-2"


def test_what_was_recorded_later_is_not_told(town, versions):
    by = datetime.fromtimestamp(town.times[versions[1]], UTC)
    told = resolve(town, recorded_by=by).document_metadata
    assert told.next_version_id is None
    told = resolve(town, recorded_by=by, version_id=str(versions[0])).document_metadata
    assert (told.version_id, told.next_version_id) == (str(versions[0]), str(versions[1]))


def test_only_what_is_settled_counts(town, versions):
    town.behind = 2
    assert fragments(town, "service") == ["service-1", "service-2"]
    assert resolve(town, version_id=str(versions[2])).error.code is Code.NOT_FOUND
    town.behind = 0
    assert len(fragments(town, "service")) == 3


@pytest.mark.usefixtures("versions")
def test_one_question_for_each_block_that_changed_something(town):
    for _ in range(50):
        town.mine()
    town.asked.clear()
    resolve(town)
    assert town.asked.count("logs") == 3
    assert town.asked.count("call") == 2
    assert len(town.asked) <= 8
