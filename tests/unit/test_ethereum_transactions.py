"""Transactions, byte for byte as an independent library signs them."""

import random

import pytest
from eth_account import Account
from eth_utils import to_checksum_address
from web3 import Web3

from cityid import keys
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.registry.ethereum.sending import transactions
from cityid.registry.ethereum.sending.transactions import Fees, Transaction

ONE = keys.generate("secp256k1", seed=b"\1" * 32)
PLAIN = {
    "chain_id": 1337,
    "nonce": 7,
    "to": bytes(range(20)),
    "data": b"call",
    "gas": 50_000,
    "fees": Fees(10**9),
}


def theirs(transaction, seed):
    fees = transaction.fees
    fields = {
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "value": 0,
        "data": transaction.data,
        "gas": transaction.gas,
    }
    if transaction.to is not None:
        fields["to"] = to_checksum_address(transaction.to)
    if fees.tip is None:
        fields["gasPrice"] = fees.price
    else:
        fields |= {"maxFeePerGas": fees.price, "maxPriorityFeePerGas": fees.tip, "type": 2}
    signed = Account.sign_transaction(fields, seed)
    return bytes(signed.raw_transaction), bytes(signed.hash)


def some_transaction(source):
    price = source.choice([0, 1, source.randrange(2**40), 2**256 - 1])
    tip = source.choice([None, 0, price, source.randrange(price + 1)])
    return Transaction(
        chain_id=source.choice([1, 5, 1337, 31337, source.randrange(1, 2**50)]),
        nonce=source.choice([0, 1, 127, 128, 256, source.randrange(2**60)]),
        to=source.choice([None, bytes(20), source.randbytes(20)]),
        data=source.randbytes(source.choice([0, 1, 4, 55, 56, 300, 70_000])),
        gas=source.choice([21_000, source.randrange(1, 2**40)]),
        fees=Fees(price, tip),
    )


@pytest.mark.parametrize("number", range(100))
def test_transactions_are_those_of_others(number):
    source = random.Random(number)  # noqa: S311 - test data
    seed = source.randbytes(32)
    transaction = some_transaction(source)
    signed = transactions.sign(transaction, keys.generate("secp256k1", seed=seed))
    assert (signed.raw, signed.hash) == theirs(transaction, seed)
    sender = transactions.address(keys.generate("secp256k1", seed=seed).public_key)
    assert Account.recover_transaction(signed.raw) == sender


@pytest.mark.parametrize("number", range(1, 21))
def test_addresses_are_those_of_others(number):
    seed = random.Random(number).randbytes(32)  # noqa: S311 - test data
    key = keys.generate("secp256k1", seed=seed).public_key
    assert transactions.address(key) == Account.from_key(seed).address


def test_the_address_of_a_created_contract_is_known_beforehand():
    # The example of the first contracts of one sender, as block explorers show them.
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert [transactions.created_address(sender, nonce).lower() for nonce in range(3)] == [
        "0xcd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
        "0x343c43a37d37dff08ae8c4a11544c718abb4fcf8",
        "0xf778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
    ]
    assert Web3.is_checksum_address(transactions.created_address(sender, 300))


def test_the_same_transaction_gives_the_same_bytes():
    transaction = Transaction(**PLAIN)
    assert transactions.sign(transaction, ONE) == transactions.sign(transaction, ONE)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("chain_id", 0),
        ("chain_id", True),
        ("chain_id", "1"),
        ("chain_id", transactions.GREATEST_CHAIN_ID + 1),
        ("nonce", -1),
        ("nonce", 2**64 - 1),
        ("nonce", 1.0),
        ("nonce", None),
        ("to", bytes(19)),
        ("to", bytes(21)),
        ("to", b""),
        ("to", "0x" + 40 * "0"),
        ("data", "0x"),
        ("data", None),
        ("data", bytearray(3)),
        ("gas", 0),
        ("gas", 2**64),
        ("fees", 10**9),
        ("fees", None),
    ],
)
def test_wrong_values_are_refused(name, wrong):
    with pytest.raises(InvalidInputError) as refused:
        Transaction(**(PLAIN | {name: wrong}))
    assert refused.value.code is Code.INVALID_OPTIONS


@pytest.mark.parametrize(
    ("price", "tip"), [(-1, None), (2**256, None), ("1", None), (1, 2), (1, -1), (1, True)]
)
def test_wrong_fees_are_refused(price, tip):
    with pytest.raises(InvalidInputError):
        Fees(price, tip)


@pytest.mark.parametrize("type_", ["P-256", "Ed25519"])
def test_keys_of_other_curves_have_no_address(type_):
    key = keys.generate(type_)
    with pytest.raises(UnsupportedError, match="no address"):
        transactions.address(key.public_key)
    with pytest.raises(UnsupportedError, match="cannot sign digests"):
        transactions.sign(Transaction(**PLAIN), key)


@pytest.mark.parametrize("answer", [b"", bytes(64), bytes(64) + b"\2", bytes(66), None, "a" * 65])
def test_a_signer_that_answers_with_no_signature_is_refused(answer):
    class Broken:
        public_key = ONE.public_key

        def sign_digest(self, _):
            return answer

    with pytest.raises(InvalidInputError) as refused:
        transactions.sign(Transaction(**PLAIN), Broken())
    assert refused.value.code is Code.INVALID_SIGNATURE_ENCODING
