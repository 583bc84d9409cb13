"""What identities, key stores, wallets and results show of themselves, and what they never show."""

import base64
import hashlib

import pytest

import town
from cityid import did, keys, policy, present, verify
from cityid.keys.sealed import Cost
from cityid.wallet import Wallet

CANARY = hashlib.sha256(b"a canary that must not leave").digest()
CHEAP = Cost(1, 2**13)
PASSPHRASE = "open for the canary"


@pytest.fixture
def canary():
    return keys.generate(seed=CANARY)


def hold_no_secret(*shown):
    secret = keys.generate(seed=CANARY)
    forms = [CANARY.hex(), base64.b64encode(CANARY).decode(), str(CANARY), PASSPHRASE]
    forms += [secret.export_multikey(), secret.export_jwk()["d"]]
    assert not [form for form in forms for picture in shown if form in picture]
    return True


def test_the_canary_would_be_seen(canary):
    with pytest.raises(AssertionError):
        hold_no_secret(f"<td>{canary.export_multikey()}</td>")


def test_an_identity_shows_its_did_and_what_its_keys_may_do(canary):
    identity = did.create("web", domain="city.example", signer=canary)
    picture = identity._repr_html_()
    for part in ("did:web:city.example", "assertionMethod", "authentication", "key-1", "Ed25519"):
        assert part in picture
    assert "keyAgreement" not in picture
    assert hold_no_secret(picture, repr(identity))


def test_an_identity_shows_only_keys_at_hand(canary):
    document = did.create("web", domain="city.example", signer=canary).document
    identity = did.Identity(did.parse("did:web:city.example"), document, ())
    assert "assertionMethod" not in identity._repr_html_()


def test_a_key_store_shows_names_and_public_keys(tmp_path, canary):
    store = keys.KeyStore.create(tmp_path / "keys", PASSPHRASE, cost=CHEAP)
    store.add("<b>signing</b>", canary)
    picture = store._repr_html_()
    assert "&lt;b&gt;signing" in picture
    assert canary.public_key.multikey in picture
    assert hold_no_secret(picture, repr(store))


def test_a_wallet_shows_what_it_holds_and_no_claims(tmp_path, canary):
    wallet = Wallet.create(tmp_path / "wallet", PASSPHRASE, cost=CHEAP)
    wallet.add_key("mine", canary)
    entry = wallet.put(town.unsigned(town.alice()), name="Diploma")
    wallet.put({"type": 7, "issuer": ["odd"]})
    picture = wallet._repr_html_()
    for part in ("Diploma", "ExampleAlumniCredential", "mine", entry):
        assert part in picture
    assert "School" not in picture
    assert hold_no_secret(picture, repr(wallet))


@pytest.mark.parametrize(
    ("challenge", "told"), [(town.CHALLENGE, "✗ REFUSED"), (None, "? UNDECIDED (not permitted)")]
)
def test_a_result_says_its_verdict_with_a_mark_and_a_word(challenge, told):
    asked = policy.IssuedBy({town.office().did})
    shown = present([], by=town.alice(), challenge="another", domain=town.DOMAIN, at=town.NOW)
    result = verify(
        shown,
        policy=asked,
        resolver=town.resolver(),
        challenge=challenge,
        domain=town.DOMAIN,
        at=town.NOW,
    )
    assert f">{told}<" in result._repr_html_()
