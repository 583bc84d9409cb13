"""What is sent to an ERC-1056 contract, compared with another library's encoding of contracts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from eth_abi import encode
from eth_abi.packed import encode_packed

from cityid.did.methods.ethr import changes
from cityid.did.methods.ethr.events import TOPICS
from cityid.errors import Code, InvalidInputError
from cityid.registry.ethereum.hashing import keccak256

WHO = bytes.fromhex("f3beac30c498d9e26865f34fcaa57dbb935b0d74")
OTHER = bytes.fromhex("12345678c498d9e26865f34fcaa57dbb935b0d74")
CONTRACT = bytes.fromhex("dca7ef03e98e0dc2b855be647c39abe984fcf21b")
HOUR = timedelta(hours=1)
ROLE = b"veriKey".ljust(32, b"\0")
NAME = b"did/svc/Hub".ljust(32, b"\0")
VALUE = b"https://hub.example/" + b"x" * 30
SIGNATURE = bytes(range(64)) + b"\1"

CASES = [
    (changes.change_owner(WHO, OTHER), "changeOwner", "address", (OTHER,)),
    (
        changes.add_delegate(WHO, "veriKey", OTHER, HOUR),
        "addDelegate",
        "bytes32,address,uint256",
        (ROLE, OTHER, 3600),
    ),
    (
        changes.revoke_delegate(WHO, "veriKey", OTHER),
        "revokeDelegate",
        "bytes32,address",
        (ROLE, OTHER),
    ),
    (
        changes.set_attribute(WHO, "did/svc/Hub", VALUE, HOUR),
        "setAttribute",
        "bytes32,bytes,uint256",
        (NAME, VALUE, 3600),
    ),
    (
        changes.set_attribute(WHO, "did/svc/Hub", b"", HOUR),
        "setAttribute",
        "bytes32,bytes,uint256",
        (NAME, b"", 3600),
    ),
    (
        changes.revoke_attribute(WHO, "did/svc/Hub", VALUE),
        "revokeAttribute",
        "bytes32,bytes",
        (NAME, VALUE),
    ),
]
by_case = pytest.mark.parametrize(("change", "function", "types", "arguments"), CASES)


def selector(function: str, types: str) -> bytes:
    return keccak256(f"{function}({types})".encode())[:4]


@by_case
def test_the_call_of_the_owner(change, function, types, arguments):
    names = ["address", *types.split(",")]
    expected = selector(function, ",".join(names)) + encode(names, (WHO, *arguments))
    assert change.call() == expected


@by_case
def test_the_call_of_somebody_else(change, function, types, arguments):
    names = ["address", "uint8", "bytes32", "bytes32", *types.split(",")]
    signed = (WHO, 28, SIGNATURE[:32], SIGNATURE[32:64], *arguments)
    expected = selector(f"{function}Signed", ",".join(names)) + encode(names, signed)
    assert change.signed_call(SIGNATURE) == expected


@by_case
def test_what_the_owner_signs(change, function, types, arguments):
    names = ["bytes1", "bytes1", "address", "uint256", "address", "string", *types.split(",")]
    told = (b"\x19", b"\0", CONTRACT, 7, WHO, function, *arguments)
    assert change.digest(CONTRACT, 7) == keccak256(encode_packed(names, told))
    assert change.digest(CONTRACT, 8) != change.digest(CONTRACT, 7)


@pytest.mark.parametrize(("change", "function"), [case[:2] for case in CASES])
def test_only_attributes_are_attributes(change, function):
    assert change.of_attribute is ("Attribute" in function)
    assert VALUE.hex() not in repr(change)


@pytest.mark.parametrize("function", ["changed", "identityOwner", "nonce"])
def test_questions(function):
    assert changes.question(function, WHO) == selector(function, "address") + encode(
        ["address"], [WHO]
    )


def test_the_topics_of_the_events():
    names = (
        "DIDOwnerChanged(address,address,uint256)",
        "DIDDelegateChanged(address,bytes32,address,uint256,uint256)",
        "DIDAttributeChanged(address,bytes32,bytes,uint256,uint256)",
    )
    assert tuple(keccak256(name.encode()) for name in names) == TOPICS


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(66), bytes(64) + b"\2"])
def test_what_is_no_signature_is_refused(signature):
    with pytest.raises(InvalidInputError) as raised:
        CASES[0][0].signed_call(signature)
    assert raised.value.code is Code.INVALID_SIGNATURE_ENCODING


@pytest.mark.parametrize("name", ["", "x" * 33, "é", "a\0b", 7, None, b"veriKey"])
def test_what_is_no_name_is_refused(name):
    for make in (
        lambda: changes.add_delegate(WHO, name, OTHER, HOUR),
        lambda: changes.revoke_delegate(WHO, name, OTHER),
        lambda: changes.set_attribute(WHO, name, b"", HOUR),
        lambda: changes.revoke_attribute(WHO, name, b""),
    ):
        with pytest.raises(InvalidInputError) as raised:
            make()
        assert raised.value.code is Code.INVALID_OPTIONS
    assert changes.revoke_attribute(WHO, "x" * 32, b"").call()


@pytest.mark.parametrize(
    "validity",
    [timedelta(0), timedelta(seconds=-1), timedelta(milliseconds=900), timedelta.max, 3600, None],
)
def test_what_is_no_time_is_refused(validity):
    for make in (
        lambda: changes.add_delegate(WHO, "veriKey", OTHER, validity),
        lambda: changes.set_attribute(WHO, "did/svc/Hub", b"", validity),
    ):
        with pytest.raises(InvalidInputError, match="timedelta"):
            make()
    assert changes.add_delegate(WHO, "veriKey", OTHER, changes.MAX_VALIDITY)


@pytest.mark.parametrize("value", ["text", None, bytes(changes.MAX_VALUE + 1)])
def test_what_is_no_value_is_refused(value):
    for make in (
        lambda: changes.set_attribute(WHO, "did/svc/Hub", value, HOUR),
        lambda: changes.revoke_attribute(WHO, "did/svc/Hub", value),
    ):
        with pytest.raises(InvalidInputError, match="at most"):
            make()
    assert changes.revoke_attribute(WHO, "a", bytes(changes.MAX_VALUE))
