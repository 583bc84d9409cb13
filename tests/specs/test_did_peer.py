"""did:peer: the files of numalgo 1, and the examples of the specification for 0, 2 and 4."""

from __future__ import annotations

import pytest

import vectors
from cityid import did, encoding, keys
from cityid.did.methods import peer
from cityid.errors import Code, InvalidInputError, NotFoundError, UnsupportedError

FOLDER = "did-peer"
LEVEL_1 = "spec-test-data/level-1"


def cases(pattern: str) -> list:
    paths = vectors.files(FOLDER, f"{LEVEL_1}/{pattern}-*.txt")
    paths += vectors.files(FOLDER, f"{LEVEL_1}/{pattern}.txt")
    return [vectors.case(FOLDER, path.read_text().strip(), id=path.stem) for path in paths]


KEY = "z6Mkj3PUd1WjvaDhNZhhhXQdz5UnZXmS7ehtx8bsPpD47kKc"
AGREEMENT = "z6LSg8zQom395jKLrGiBNruB9MM6V8PWuf2FpEy4uRFiqQBR"
SERVICES = [
    {
        "type": "DIDCommMessaging",
        "serviceEndpoint": {
            "uri": f"http://example.com/{name}",
            "accept": ["didcomm/v2"],
            "routingKeys": [f"did:example:123456789abcdefghi#key-{number}"],
        },
    }
    for number, name in ((1, "didcomm"), (2, "another"))
]
NUMALGO_2 = (
    f"did:peer:2.V{KEY}.E{AGREEMENT}"
    ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9kaWRjb21tIiwiYSI6WyJkaWRjb21tL3Yy"
    "Il0sInIiOlsiZGlkOmV4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0xIl19fQ"
    ".SeyJ0IjoiZG0iLCJzIjp7InVyaSI6Imh0dHA6Ly9leGFtcGxlLmNvbS9hbm90aGVyIiwiYSI6WyJkaWRjb21tL3Yy"
    "Il0sInIiOlsiZGlkOmV4YW1wbGU6MTIzNDU2Nzg5YWJjZGVmZ2hpI2tleS0yIl19fQ"
)
NUMALGO_3 = "did:peer:3zQmd6RdU6e2nDrLn1rjwdA5Buzq7wJwsv3WJ1AgrwKYJoLE"
INPUT_DOCUMENT = {
    "@context": [
        "https://www.w3.org/ns/did/v1",
        "https://w3id.org/security/suites/x25519-2020/v1",
        "https://w3id.org/security/suites/ed25519-2020/v1",
    ],
    "verificationMethod": [
        {
            "id": "#6LSqPZfn",
            "type": "X25519KeyAgreementKey2020",
            "publicKeyMultibase": "z6LSqPZfn9krvgXma2icTMKf2uVcYhKXsudCmPoUzqGYW24U",
        },
        {
            "id": "#6MkrCD1c",
            "type": "Ed25519VerificationKey2020",
            "publicKeyMultibase": "z6MkrCD1csqtgdj8sjrsu8jxcbeyP6m7LiK87NzhfWqio5yr",
        },
    ],
    "authentication": ["#6MkrCD1c"],
    "assertionMethod": ["#6MkrCD1c"],
    "keyAgreement": ["#6LSqPZfn"],
    "capabilityInvocation": ["#6MkrCD1c"],
    "capabilityDelegation": ["#6MkrCD1c"],
    "service": [
        {
            "id": "#didcommmessaging-0",
            "type": "DIDCommMessaging",
            "serviceEndpoint": {
                "uri": "didcomm:transport/queue",
                "accept": ["didcomm/v2"],
                "routingKeys": [],
            },
        }
    ],
}
SHORT_FORM = "did:peer:4zQmd8CpeFPci817KDsbSAKWcXAE2mjvCQSasRewvbSF54Bd"


@pytest.mark.parametrize("text", cases("good-did"))
def test_good_dids_of_numalgo_1_are_read_but_tell_no_document(text):
    assert str(did.parse(text)) == text
    assert did.resolver().resolve(text).error.code is Code.FEATURE_NOT_SUPPORTED
    in_hand = did.resolver(documents=[{"id": text}])
    assert in_hand.resolve(text).document.id == text


@pytest.mark.parametrize("text", cases("bad-did"))
def test_bad_dids_are_refused(text):
    assert did.resolver().resolve(text).error.code is Code.INVALID_DID


@pytest.mark.parametrize("text", cases("compare"))
def test_dids_compare_by_character(text, request):
    first, second = (did.parse(line) for line in text.split())
    assert (first == second) is ("equal" in request.node.callspec.id)


def test_numalgo_0_is_a_did_key_by_another_name():
    document = did.resolver().resolve(f"did:peer:0{KEY}").require()
    twin = did.resolver().resolve(f"did:key:{KEY}").require()
    assert document.to_json() == twin.to_json().replace("did:key:", "did:peer:0")


def test_numalgo_2_resolves_to_the_document_of_the_specification():
    document = did.resolver().resolve(NUMALGO_2).require()
    assert document.to_dict() == {
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": NUMALGO_2,
        "verificationMethod": [
            {
                "id": f"#key-{number}",
                "controller": NUMALGO_2,
                "type": "Multikey",
                "publicKeyMultibase": multikey,
            }
            for number, multikey in ((1, KEY), (2, AGREEMENT))
        ],
        "authentication": ["#key-1"],
        "keyAgreement": ["#key-2"],
        "service": [SERVICES[0] | {"id": "#service"}, SERVICES[1] | {"id": "#service-1"}],
        "alsoKnownAs": [NUMALGO_3],
    }
    method = did.resolver().verification_method(f"{NUMALGO_2}#key-1", relationship="authentication")
    assert method.public_key.multikey == KEY


def test_numalgo_2_is_made_as_the_specification_says():
    pairs = [
        ("authentication", keys.from_multikey(KEY)),
        ("keyAgreement", keys.from_multikey(AGREEMENT)),
    ]
    made = str(peer.did_of_keys(pairs, SERVICES))
    assert did.resolver().resolve(made).require().services == tuple(
        did.resolver().resolve(NUMALGO_2).require().services
    )
    ordered = [
        {"type": service["type"], "serviceEndpoint": service["serviceEndpoint"]}
        for service in SERVICES
    ]
    assert str(peer.did_of_keys(pairs, ordered)) == NUMALGO_2


def test_the_short_name_of_a_numalgo_2_is_the_one_of_the_specification():
    long = (
        "did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
        ".Vz6MkqRYqQiSgvZQdnBytw86Qbs2ZWUkGv22od935YF4s8M7V"
        ".Vz6MkgoLTnTypo3tDRwCkZXSccTPHRLhF4ZnjhueYAFpEX6vg"
        ".SeyJ0IjoiZG0iLCJzIjoiaHR0cHM6Ly9leGFtcGxlLmNvbS9lbmRwb2ludCIsInIiOlsiZGlkOmV4YW1wbGU6"
        "c29tZW1lZGlhdG9yI3NvbWVrZXkiXSwiYSI6WyJkaWRjb21tL3YyIiwiZGlkY29tbS9haXAyO2Vudj1yZmM1ODci"
        "XX0"
    )
    short = "did:peer:3zQmS19jtYDvGtKVrJhQnRFpBQAx3pJ9omx2HpNrcXFuRCz9"
    assert did.resolver().resolve(long).require().also_known_as == (short,)
    assert did.resolver().resolve(short).error.code is Code.FEATURE_NOT_SUPPORTED


def test_numalgo_4_is_made_as_the_specification_says():
    made = peer.did_of_document(INPUT_DOCUMENT)
    assert str(peer.short_form(made)) == SHORT_FORM
    document = did.resolver().resolve(made).require()
    assert document.also_known_as == (SHORT_FORM,)
    assert {method.controller for method in document.verification_methods} == {str(made)}
    expected = INPUT_DOCUMENT | {"id": str(made), "alsoKnownAs": [SHORT_FORM]}
    expected["verificationMethod"] = [
        entry | {"controller": str(made)} for entry in INPUT_DOCUMENT["verificationMethod"]
    ]
    assert document.to_dict() == expected


def test_the_short_form_alone_tells_no_document():
    result = did.resolver().resolve(SHORT_FORM)
    assert result.error.code is Code.NOT_FOUND
    with pytest.raises(NotFoundError):
        result.require()
    held = {"id": SHORT_FORM, "alsoKnownAs": [str(peer.did_of_document(INPUT_DOCUMENT))]}
    assert did.resolver(documents=[held]).resolve(SHORT_FORM).document


def test_a_numalgo_4_with_another_document_is_refused():
    long = str(peer.did_of_document(INPUT_DOCUMENT))
    other = str(peer.did_of_document(INPUT_DOCUMENT | {"alsoKnownAs": ["https://b.example"]}))
    swapped = ":".join([*long.split(":")[:3], other.split(":")[3]])
    assert did.resolver().resolve(other).document
    assert did.resolver().resolve(swapped).error.code is Code.INVALID_DID


def numalgo_4(data: bytes) -> str:
    encoded = encoding.multibase_encode(data, "base58btc")
    return f"did:peer:4{peer._hash(encoded)}:{encoded}"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x80\x04{}", None),
        (b"\x80\x04{", Code.INVALID_DID),
        (b"\x80\x04[]", Code.INVALID_DID),
        (b"\x80\x05{}", Code.INVALID_DID),
        (b'\x80\x04{"id":"did:example:1"}', Code.INVALID_DID_DOCUMENT),
        (b'\x80\x04{"alsoKnownAs":"x"}', Code.INVALID_DID_DOCUMENT),
        (b'\x80\x04{"verificationMethod":[7]}', Code.INVALID_DID_DOCUMENT),
    ],
)
def test_what_numalgo_4_may_hold(data, code):
    result = did.resolver().resolve(numalgo_4(data))
    assert (result.error and result.error.code) == code


def with_service(text: str) -> str:
    return f"did:peer:2.V{KEY}.S{encoding.base64url_encode(text.encode())}"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"t":"dm","s":"https://a.example","id":"#x"}', None),
        ('{"type":"X","t":"dm","s":"https://a.example"}', Code.INVALID_DID),
        ('{"t":"dm","s":"https://a.example","id":"did:example:1#x"}', Code.INVALID_DID),
        ('{"t":"dm","s":"https://a.example","id":7}', Code.INVALID_DID),
        ('[{"t":"dm","s":"https://a.example"}]', Code.INVALID_DID),
        ('{"t":"dm"}', Code.INVALID_DID_DOCUMENT),
        ("{", Code.INVALID_DID),
    ],
)
def test_what_a_service_in_numalgo_2_may_be(text, code):
    result = did.resolver().resolve(with_service(text))
    assert (result.error and result.error.code) == code


@pytest.mark.parametrize(
    "text",
    [
        "did:peer:2",
        f"did:peer:2.X{KEY}",
        f"did:peer:2{KEY}",
        f"did:peer:2.V{encoding.multibase_encode(bytes.fromhex('ed01') + bytes(31), 'base58btc')}",
        "did:peer:5zabc",
        "did:peer:4zabc",
    ],
)
def test_malformed_peer_dids_are_refused(text):
    assert did.resolver().resolve(f"did:peer:2.V{KEY}").document
    assert did.resolver().resolve(text).error.code is Code.INVALID_DID


def test_keys_of_other_kinds_are_told_as_unsupported():
    rsa = encoding.multibase_encode(b"\x85\x24" + bytes(270), "base58btc")[:60]
    assert did.resolver().resolve(f"did:peer:0{rsa}").error is not None
    p521 = encoding.multibase_encode(b"\x82\x24" + bytes(67), "base58btc")
    assert did.resolver().resolve(f"did:peer:0{p521}").error.code is Code.FEATURE_NOT_SUPPORTED


@pytest.mark.parametrize("numalgo", [2, 4])
@pytest.mark.parametrize("kind", ["Ed25519", "P-256", "X25519"])
def test_created_identities_act_through_their_document(numalgo, kind):
    service = {"id": "#files", "type": "Files", "serviceEndpoint": "https://files.example/"}
    identity = did.create("peer", numalgo=numalgo, key_type=kind, services=[service])
    document = did.resolver().resolve(identity.did).require()
    assert document == identity.document
    assert document.services[0].id == f"{identity.did}#files"
    relationship = "keyAgreement" if kind == "X25519" else "assertionMethod"
    method, signer = identity.signer(relationship)
    found = did.resolver().verification_method(method, relationship=relationship)
    assert found.public_key == signer.public_key


def test_what_cannot_be_made():
    with pytest.raises(UnsupportedError) as refusal:
        did.create("peer", numalgo=1)
    assert refusal.value.known == ("2", "4")
    with pytest.raises(InvalidInputError) as fault:
        peer.did_of_document({"id": "did:example:1"})
    assert fault.value.path == "/id"
