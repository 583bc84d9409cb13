"""A holder loses a device: the backup, restored on a new one, shows credentials again."""

from __future__ import annotations

import pytest

import town
from cityid import did, issue, keys, policy, present, verify
from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.keys.sealed import Cost
from cityid.wallet import Wallet

CHEAP = Cost(operations=1, memory=2**13)
PASSPHRASE = "correct horse"
BACKUP_PASSPHRASE = "battery staple"


@pytest.fixture
def old_device(tmp_path):
    """Alice's wallet with her key and one credential, and a backup in a drawer."""
    (tmp_path / "old").mkdir()
    wallet = Wallet.create(tmp_path / "old" / "wallet", PASSPHRASE, cost=CHEAP)
    wallet.add_key("me", keys.generate(seed=b"alice".ljust(32, b".")))
    alice = did.create("key", signer=wallet.signer("me"))
    wallet.put(issue(town.unsigned(alice), by=town.office(), at=town.NOW), "alumni card")
    wallet.backup(tmp_path / "drawer", BACKUP_PASSPHRASE)
    return wallet


def show(wallet):
    """Present everything in a wallet, as its holder does at the pool."""
    alice = did.create("key", signer=wallet.signer("me"))
    credentials = [entry.credential for entry in wallet.list()]
    return present(credentials, by=alice, challenge=town.CHALLENGE, domain=town.DOMAIN, at=town.NOW)


def judge(presentation):
    return verify(
        presentation,
        policy=policy.IssuedBy({str(town.office().did)}),
        resolver=town.resolver(),
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        at=town.NOW,
    )


def test_a_restored_wallet_shows_what_the_lost_one_showed(tmp_path, old_device):
    assert judge(show(old_device))
    held = old_device.list()
    (tmp_path / "old" / "wallet").unlink()
    new_device = Wallet.restore(
        tmp_path / "drawer", tmp_path / "wallet", BACKUP_PASSPHRASE, cost=CHEAP
    )
    assert new_device.list() == held
    assert new_device.key_names() == ("me",)
    result = judge(show(Wallet.open(tmp_path / "wallet", BACKUP_PASSPHRASE)))
    assert result, result.explain()
    assert result.verified


def test_the_credentials_without_the_key_are_of_no_use(tmp_path, old_device):
    thief = Wallet.create(tmp_path / "wallet", PASSPHRASE, cost=CHEAP)
    for entry in old_device.list():
        thief.put(entry.credential)
    with pytest.raises(NotFoundError):
        show(thief)
    thief.add_key("me", keys.generate(seed=b"mallory".ljust(32, b".")))
    result = judge(show(thief))
    assert not result
    assert [problem.code for problem in result.errors] == [Code.HOLDER_BINDING_FAILED]


@pytest.mark.usefixtures("old_device")
def test_the_finder_of_the_backup_needs_its_passphrase(tmp_path):
    with pytest.raises(InvalidInputError):
        Wallet.restore(tmp_path / "drawer", tmp_path / "wallet", PASSPHRASE)
    assert not (tmp_path / "wallet").exists()
