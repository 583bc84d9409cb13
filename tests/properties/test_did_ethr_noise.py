"""did:ethr: whatever bytes a node or an owner makes up, a typed error or a sound document comes."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import did
from cityid.did.methods import ethr
from cityid.did.methods.ethr.attributes import read_key_attribute, read_service_attribute
from cityid.did.methods.ethr.events import TOPICS, read_event, word_of
from cityid.errors import CityIdError, RegistryError
from cityid.registry.ethereum.nodes.blocks import Log
from ethr_chain import CONTRACT, NETWORKS, Town

ALICE = bytes([0xA1] * 20)
DID = f"did:ethr:city:0x{ALICE.hex()}"

words = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 300).map(lambda number: number.to_bytes(32)),
    st.sampled_from([word_of(ALICE), bytes(32), b"\xff" * 32]),
)
noise = st.one_of(st.binary(max_size=400), st.lists(words, max_size=8).map(b"".join))
names = st.one_of(
    st.text(max_size=32),
    st.from_regex(
        r"did/(pub|svc)/[A-Za-z0-9]{0,9}(/(veriKey|sigAuth|enc|x))?(/(hex|pem))?", fullmatch=True
    ),
    st.sampled_from(["Secp256k1", "Ed25519", "X25519", "RSA", "Multikey"]).flatmap(
        lambda kind: st.sampled_from([f"did/pub/{kind}/veriKey", f"did/pub/{kind}/enc/hex"])
    ),
)
values = st.one_of(
    noise,
    st.binary(min_size=32, max_size=33),
    st.sampled_from([b"\xed\x01", b"\xe7\x01", b"\x80\x24", b"\xeb\x01", b"\x30"]).flatmap(
        lambda prefix: st.binary(max_size=100).map(lambda rest: prefix + rest)
    ),
    st.text(max_size=40).map(lambda text: text.encode(errors="surrogatepass")),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=8,
    ).map(lambda value: str(value).replace("'", '"').encode(errors="surrogatepass")),
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(topic=st.sampled_from([*TOPICS, bytes(32)]), data=noise)
def test_a_log_of_noise_is_an_event_or_an_error_of_the_world(topic, data):
    log = Log(CONTRACT, (topic, word_of(ALICE)), data, 5, bytes(32), bytes(32), 0)
    with suppress(RegistryError):
        event = read_event(log, ALICE)
        assert event.block == 5


@settings(derandomize=True, max_examples=150, deadline=None)
@given(name=names, value=values)
def test_an_attribute_of_noise_is_a_key_a_service_or_nothing(name, value):
    read_key_attribute(name, value)
    read_service_attribute(name, value)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(said=st.lists(st.tuples(names, values), min_size=1, max_size=6))
def test_a_document_of_noise_conforms(said):
    town = Town()
    town.mine()
    for name, value in said:
        word = name.encode(errors="surrogatepass")[:32]
        town.set_attribute(ALICE, word, value, 10**6)
    moment = datetime.fromtimestamp(town.time, UTC)
    method = ethr.method(town, networks=NETWORKS, clock=lambda: moment)
    document = did.resolver(methods=[method]).resolve(DID).require()
    assert did.check_document(document.to_dict()) == ()
    for found in document.verification_methods:
        with suppress(CityIdError):
            assert found.public_key.multikey


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    identifier=st.one_of(
        st.text(max_size=60), st.from_regex(r"(0x[0-9a-f]{0,3}:)?0x[0-9a-f]{40,66}", fullmatch=True)
    )
)
def test_any_identifier_is_an_account_or_invalid(identifier):
    with suppress(CityIdError):
        account = ethr.account_of(did.DID("ethr", identifier))
        assert len(account.address) == 20
