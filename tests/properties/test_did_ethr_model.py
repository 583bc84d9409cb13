"""did:ethr: whatever is said of an identity, the document is what a plain model makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import did
from cityid.did.methods import ethr
from ethr_chain import NETWORKS, NOBODY, Town

ALICE = bytes([0xA1] * 20)
DID = f"did:ethr:city:0x{ALICE.hex()}"
PEOPLE = [bytes([number] * 20) for number in (1, 2)]
KEYS = [bytes([number] * 32) for number in (1, 2)]

validity = st.sampled_from([0, 1, 10, 25, 10**6, 2**200])
change = st.one_of(
    st.tuples(
        st.just("add_delegate"),
        st.sampled_from(["veriKey", "sigAuth", "other", b"\xff"]),
        st.sampled_from(PEOPLE),
        validity,
    ),
    st.tuples(
        st.just("revoke_delegate"), st.sampled_from(["veriKey", "sigAuth"]), st.sampled_from(PEOPLE)
    ),
    st.tuples(
        st.just("set_attribute"),
        st.sampled_from(
            [
                "did/pub/Ed25519/veriKey",
                "did/pub/Ed25519/sigAuth/base58",
                "did/pub/X25519/enc",
                "did/pub/Odd/enc",
                "did/pub/Ed25519/what",
                "did/svc/Hub",
                "did/svc/",
                "mine",
                b"\xfe",
            ]
        ),
        st.sampled_from([*KEYS, b"https://a.example", b"no URL"]),
        validity,
    ),
    st.tuples(
        st.just("revoke_attribute"),
        st.sampled_from(["did/pub/Ed25519/veriKey", "did/svc/Hub", "did/pub/Odd/enc"]),
        st.sampled_from([*KEYS, b"https://a.example"]),
    ),
    st.tuples(st.just("change_owner"), st.sampled_from([*PEOPLE, ALICE])),
    st.tuples(st.just("change_owner"), st.just(NOBODY)),
    st.tuples(st.just("mine")),
    st.tuples(st.just("mine"), st.sampled_from([0, 1, 30])),
)


def modelled(
    said: list[tuple[int, int, tuple[Any, ...]]], until: int, at: int
) -> tuple[Any, set[str], dict[str, set[str]], list[str]] | None:
    """Return owner, fragments, uses and services; None for a DID that was given up.

    It goes the other way round: for each thing that was ever said it looks for the last word.
    """
    counted = [(block, time, what) for block, time, what in said if block <= until]
    for index, (_, _, what) in enumerate(counted):
        if what == ("change_owner", NOBODY):
            counted = counted[:index]
            return None
    owner = next((what[1] for *_, what in reversed(counted) if what[0] == "change_owner"), ALICE)
    uses: dict[str, set[str]] = {}
    methods, services = set(), []
    for index, (_, time, what) in enumerate(counted):
        kind = section(what)
        if kind is None or any(same(what, later) for *_, later in counted[index + 1 :]):
            continue
        number = sum(section(earlier) == kind for *_, earlier in counted[: index + 1])
        end = 0 if what[0].startswith("revoke") else time + what[3]
        if end < at or end <= time:
            continue
        use = use_of(what)
        if use == "service":
            services.append(f"service-{number}")
        elif use is not None:
            methods.add(f"delegate-{number}")
            uses.setdefault(use, set()).add(f"delegate-{number}")
    return owner, methods, uses, sorted(services)


def section(what: tuple[Any, ...]) -> str | None:
    if isinstance(what[1], bytes):
        return None
    if "delegate" in what[0]:
        return "delegate"
    if what[1].startswith("did/pub/"):
        return "delegate"
    return "service" if what[1].startswith("did/svc/") else None


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return one[0].partition("_")[2] == other[0].partition("_")[2] and one[1:3] == other[1:3]


def use_of(what: tuple[Any, ...]) -> str | None:
    _, name, value = what[:3]
    if "delegate" in what[0]:
        return {"veriKey": "assertionMethod", "sigAuth": "authentication"}.get(name)
    if name == "did/svc/Hub":
        return "service" if value == b"https://a.example" else None
    if name == "did/pub/Odd/enc":
        return "keyAgreement"
    if len(value) != 32 or name == "did/pub/Ed25519/what":
        return None
    for purpose, use in (
        ("veriKey", "assertionMethod"),
        ("sigAuth", "authentication"),
        ("enc", "keyAgreement"),
    ):
        if f"/{purpose}" in name:
            return use
    return None


def resolved(result: did.ResolutionResult) -> Any:
    assert result.error is None, result.error
    if result.document is None:
        assert result.document_metadata.deactivated
        return None
    document = result.document
    assert did.check_document(document.to_dict()) == ()
    ids = {method.id.partition("#")[2] for method in document.verification_methods}
    owner = bytes.fromhex(
        document.verification_methods[0].document["blockchainAccountId"].partition(":0x")[2]
    )
    uses = {
        name: {url.partition("#")[2] for url in document.relationship(name)} - {"controller"}
        for name in did.RELATIONSHIPS
        if set(document.relationship(name)) - {f"{DID}#controller"}
    }
    services = sorted(str(service.id).partition("#")[2] for service in document.services)
    return owner, ids - {"controller"}, uses, services


@settings(derandomize=True, max_examples=150, deadline=None)
@given(plan=st.lists(change, max_size=25), later=st.sampled_from([0, 5, 100]))
def test_any_history_resolves_as_the_model_says(plan, later):
    town = Town()
    town.mine()
    said: list[tuple[int, int, tuple[Any, ...]]] = []
    for name, *arguments in plan:
        if name == "mine":
            town.mine(*arguments)
            continue
        getattr(town, name)(ALICE, *arguments)
        said.append((town.height, town.time, (name, *arguments)))
    at = town.time + later
    method = ethr.method(town, networks=NETWORKS, clock=lambda: datetime.fromtimestamp(at, UTC))
    resolver = did.resolver(methods=[method])
    assert resolved(resolver.resolve(DID)) == modelled(said, town.height, at)
    for block in range(town.height + 1):
        result = resolver.resolve(DID, did.ResolutionOptions(version_id=str(block)))
        assert resolved(result) == modelled(said, block, town.times[block])
    for time in {*town.times, town.times[0] - 1, at}:
        when = datetime.fromtimestamp(time, UTC)
        until = max((b for b, t in enumerate(town.times) if t <= time), default=-1)
        expected = modelled(said, until, time)
        for options in ({"version_time": when}, {"recorded_by": when}):
            assert resolved(resolver.resolve(DID, did.ResolutionOptions(**options))) == expected


@settings(derandomize=True, max_examples=60, deadline=None)
@given(plan=st.lists(change, max_size=20), more=st.lists(change, max_size=6))
def test_an_id_never_comes_to_mean_another_key(plan, more):
    town = Town()
    town.mine()
    for name, *arguments in plan:
        getattr(town, name)(*([] if name == "mine" else [ALICE]), *arguments)
    method = ethr.method(town, networks=NETWORKS, clock=lambda: datetime.fromtimestamp(0, UTC))
    resolver = did.resolver(methods=[method])
    before = keys_by_id(resolver)
    for name, *arguments in more:
        town.mine()
        getattr(town, name)(*([] if name == "mine" else [ALICE]), *arguments)
    after = keys_by_id(resolver)
    for name in before.keys() & after.keys() - {f"{DID}#controller"}:
        assert before[name] == after[name]


def keys_by_id(resolver: did.Resolver) -> dict[str, Any]:
    document = resolver.resolve(DID).document
    methods = document.verification_methods if document else ()
    return {method.id: method.document for method in methods}
