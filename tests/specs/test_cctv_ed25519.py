"""Ed25519's edge cases: https://github.com/C2SP/CCTV/tree/main/ed25519.

The exact set of what is accepted: the equation holds without the cofactor, S is reduced, R is
bytewise what the equation gives, and neither A nor R is of low order. Keys with a component of low
order beside one of high order stay: nobody can sign under them without the secret.
"""

from __future__ import annotations

import pytest

import vectors
from cityid import keys
from cityid.errors import Code, InvalidInputError

ROWS = vectors.load("cctv", "ed25519vectors.json") or []
ACCEPTED_FLAGS = {"low_order_component_A", "low_order_component_R"}
REFUSED_KEYS = {"low_order_A", "non_canonical_A"}
CASES = [
    vectors.case("cctv", row, frozenset(row["flags"] or ()), id=str(row["number"])) for row in ROWS
]


@pytest.mark.parametrize(("row", "flags"), CASES)
def test_every_vector_is_judged_strictly(row, flags):
    data, signature = bytes.fromhex(row["key"]), bytes.fromhex(row["sig"])
    if flags & REFUSED_KEYS:
        with pytest.raises(InvalidInputError) as refused:
            keys.public_key("Ed25519", data)
        assert refused.value.code is Code.INVALID_KEY
        return
    key = keys.public_key("Ed25519", data)
    if flags <= ACCEPTED_FLAGS:
        key.verify(signature, row["msg"].encode())
        return
    with pytest.raises(InvalidInputError) as refused:
        key.verify(signature, row["msg"].encode())
    assert refused.value.code is Code.INVALID_SIGNATURE


def test_the_vectors_hold_what_is_said_of_them():
    if not ROWS:
        return
    flags = [set(row["flags"] or ()) for row in ROWS]
    assert len(ROWS) == 914
    assert sum("low_order_A" in row for row in flags) == 526
    assert sum(row <= ACCEPTED_FLAGS for row in flags) == 43
