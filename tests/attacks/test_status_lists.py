"""Attacks on status lists, each beside what must go on working (the rows L1 to L10)."""

from __future__ import annotations

import json
import resource
import zlib
from datetime import timedelta
from itertools import pairwise

import pytest

import cityid
from cityid import did, policy, registry, status
from cityid.credential import Credential
from cityid.encoding import multibase_encode
from cityid.errors import Code, InvalidInputError, NotFoundError, RegistryError
from cityid.registry import NewEntry
from cityid.report import Outcome
from cityid.securing import add_proof
from cityid.status import cache as caching
from cityid.status.bits import MOST_BYTES, Form, compress, expand
from cityid.status.bitstring import encoded, list_document
from town import NOW, alice, foreign_office, office, person, resolver, unsigned

URL = "https://id.city.example/status/1"
SECOND = timedelta(seconds=1)


@pytest.fixture
def ledger():
    return registry.connect("memory:")


@pytest.fixture
def revoked(ledger):
    return status.publish(ledger, office(), URL, purpose="revocation", at=NOW)


@pytest.fixture
def credential(revoked):
    return cityid.issue(unsigned(alice()), by=office(), status=revoked, at=NOW)


def judged(credential, *, at=NOW, **options):
    judge = status.Judge(**{"resolver": resolver()} | options)
    return status.check(credential, status.Snapshot(judge, at=at, latest=True))


def code(findings):
    (check,) = findings.checks
    return check.problem and check.problem.code


def signed(document, by=office):
    verification_method, signer = by().signer("assertionMethod")
    return add_proof(
        document,
        signer=signer,
        verification_method=verification_method,
        purpose="assertionMethod",
        cryptosuite="eddsa-jcs-2022",
        created=NOW,
    )


def plain_list(bits=bytes(16_384), **changes):
    options = {"issuer": str(office().did), "purposes": ["revocation"], "valid_from": NOW}
    options["version"] = 2  # after the one that the fixture publishes
    return list_document(URL, bits=bits, **options | changes)


def put(ledger, document):
    head = ledger.head(URL)
    version = 1 if head is None else head.version + 1
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    ledger.append([NewEntry(URL, version, data)])


def verified(credential, **options):
    return cityid.verify(
        credential,
        policy=policy.IssuedBy({office().did}),
        resolver=resolver(),
        **{"at": NOW + timedelta(days=1000)} | options,
    )


# --- L1: bombs


def bomb(size, form):
    worker = zlib.compressobj(9, zlib.DEFLATED, form.value)
    chunks = [worker.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*chunks, worker.flush()])


@pytest.mark.parametrize("form", Form)
def test_a_bomb_is_refused_before_it_fills_the_memory(form):
    fuse = bomb(1 << 29, form)
    assert len(fuse) < 600_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidInputError) as refused:
        expand(fuse, form)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert refused.value.code is Code.INPUT_TOO_LARGE
    assert grown < 64 * 1024
    assert len(expand(compress(bytes(MOST_BYTES), form), form)) == MOST_BYTES


def test_a_bomb_in_a_signed_list_leaves_the_status_open(ledger, credential):
    document = plain_list()
    bombed = multibase_encode(bomb(1 << 28, Form.GZIP), "base64url")
    document["credentialSubject"]["encodedList"] = bombed
    put(ledger, signed(document))
    findings = judged(credential, registry=ledger)
    assert (findings.outcome, code(findings)) == (Outcome.INCONCLUSIVE, Code.INPUT_TOO_LARGE)
    put(ledger, signed(plain_list(version=3)))
    assert judged(credential, registry=ledger).outcome is Outcome.PASSED


def test_what_follows_the_compressed_list_is_refused(ledger, credential):
    for tail, expected in ((b"", Outcome.PASSED), (b"\0", Outcome.INCONCLUSIVE)):
        document = plain_list()
        text = multibase_encode(compress(bytes(16_384), Form.GZIP) + tail, "base64url")
        document["credentialSubject"]["encodedList"] = text
        put(ledger, signed(document))
        assert judged(credential, registry=ledger).outcome is expected


# --- L2: bad indexes


@pytest.mark.parametrize(
    "index",
    [
        *("abc", "-1", "+1", "1e3", "1.0", "0x10", "", " 7", "7\n", "07", "\u0667", "1" * 40),
        *(True, 7, 7.0, None, ["7"], {}),
    ],
)
def test_an_index_that_is_no_decimal_text_fails(ledger, revoked, index):
    entry = revoked.entry(7)
    for changes, expected in (({}, Outcome.PASSED), ({"statusListIndex": index}, Outcome.FAILED)):
        document = unsigned(alice()) | {"issuer": str(office().did)}
        document["credentialStatus"] = entry | changes
        findings = judged(Credential(document), registry=ledger)
        assert findings.outcome is expected
    assert code(findings) is Code.MALFORMED_VALUE_ERROR
    assert findings.checks[0].problem.path == "/credentialStatus/statusListIndex"


@pytest.mark.parametrize("index", ["131072", "999999999", "9" * 32])
def test_an_index_beyond_the_list_fails(ledger, revoked, index):
    for place, expected in (("131071", Outcome.PASSED), (index, Outcome.FAILED)):
        document = unsigned(alice()) | {"issuer": str(office().did)}
        document["credentialStatus"] = revoked.entry(7) | {"statusListIndex": place}
        findings = judged(Credential(document), registry=ledger)
        assert findings.outcome is expected
    assert code(findings) is Code.RANGE_ERROR


# --- L3: the order of the bits


def test_the_first_bit_is_the_left_most_one(ledger, revoked):
    document = unsigned(alice()) | {"issuer": str(office().did)}
    outcomes = {}
    for version, bits in ((2, b"\x80"), (3, b"\x01")):
        put(ledger, signed(plain_list(bits + bytes(16_383), version=version)))
        for place in (0, 7):
            document["credentialStatus"] = revoked.entry(place)
            outcomes[bits, place] = judged(Credential(document), registry=ledger).outcome
    assert [place for place, outcome in outcomes.items() if outcome is Outcome.FAILED] == [
        (b"\x80", 0),
        (b"\x01", 7),
    ]


# --- L4: short lists


@pytest.mark.parametrize(
    ("bits", "expected"), [(16_384, None), (16_383, Code.STATUS_LIST_LENGTH_ERROR)]
)
def test_a_short_list_hides_nobody(ledger, credential, bits, expected):
    put(ledger, signed(plain_list(bytes(bits))))
    findings = judged(credential, registry=ledger)
    assert code(findings) is expected
    assert findings.outcome is (Outcome.INCONCLUSIVE if expected else Outcome.PASSED)


def test_entries_of_two_bits_need_a_list_twice_as_long(ledger, revoked):
    messages = [{"status": f"0x{n}", "message": str(n)} for n in range(4)]
    entry = revoked.entry(7) | {"statusSize": 2, "statusMessage": messages}
    document = unsigned(alice()) | {"issuer": str(office().did), "credentialStatus": entry}
    for version, bits, expected in (
        (2, 32_768, None),
        (3, 16_384, Code.STATUS_LIST_LENGTH_ERROR),
    ):
        put(ledger, signed(plain_list(bytes(bits), version=version)))
        assert code(judged(Credential(document), registry=ledger)) is expected


# --- L5: lists that do not hold


def _unsigned_list():
    return plain_list()


def _tampered():
    document = signed(plain_list())
    bits = bytearray(16_384)
    bits[5] = 1
    document["credentialSubject"]["encodedList"] = encoded(bits)
    return document


def _expired():
    return signed(plain_list(valid_from=NOW - timedelta(days=2), valid_until=NOW - timedelta(1)))


def _not_yet():
    return signed(plain_list(valid_from=NOW + timedelta(days=1)))


def _of_somebody_else():
    return signed(plain_list(issuer=str(foreign_office().did)), foreign_office)


def _in_the_name_of_the_office():
    return signed(plain_list(), foreign_office)


def _under_another_id():
    return signed(plain_list() | {"id": URL + "0"})


def _without_id():
    document = plain_list()
    del document["id"]
    return signed(document)


def _for_another_purpose():
    return signed(plain_list(purposes=["suspension", "message"]))


def _of_another_type():
    return signed(plain_list() | {"type": ["VerifiableCredential"]})


def _for_authentication():
    verification_method, signer = office().signer("authentication")
    return add_proof(
        plain_list(),
        signer=signer,
        verification_method=verification_method,
        purpose="authentication",
        cryptosuite="eddsa-jcs-2022",
        created=NOW,
    )


@pytest.mark.parametrize(
    "make",
    [
        _unsigned_list,
        _tampered,
        _expired,
        _not_yet,
        _of_somebody_else,
        _in_the_name_of_the_office,
        _under_another_id,
        _without_id,
        _for_another_purpose,
        _of_another_type,
        _for_authentication,
        lambda: b"no JSON",
        lambda: b"[]",
        lambda: b"{}",
    ],
)
def test_a_list_that_does_not_hold_leaves_the_status_open(ledger, credential, make):
    assert judged(credential, registry=ledger).outcome is Outcome.PASSED
    put(ledger, make())
    findings = judged(credential, registry=ledger)
    assert findings.outcome is Outcome.INCONCLUSIVE
    assert code(findings) is Code.STATUS_VERIFICATION_ERROR
    assert findings.found == ()


def test_a_list_that_does_not_hold_is_not_passed_over_for_one_brought_along(ledger, credential):
    good = ledger.head(URL).data
    put(ledger, _tampered())
    findings = judged(credential, registry=ledger, stapled=(good,))
    assert code(findings) is Code.STATUS_VERIFICATION_ERROR


def test_a_forged_list_that_was_brought_along_does_not_count(ledger, credential):
    assert judged(credential, stapled=(ledger.head(URL).data,)).outcome is Outcome.PASSED
    for forged in (_in_the_name_of_the_office(), _of_somebody_else(), _tampered(), plain_list()):
        findings = judged(credential, stapled=(forged,))
        assert code(findings) is Code.STATUS_VERIFICATION_ERROR


def test_an_issuer_signs_its_list_with_a_url_that_others_cannot_take(ledger):
    freeze, thief = person("freeze office"), foreign_office()
    url = f"{freeze.did}?service=freeze"
    frozen = status.publish(ledger, freeze, url, purpose="suspension", at=NOW)
    issued = cityid.issue(unsigned(alice()), by=office(), status=frozen, at=NOW)
    assert judged(issued, registry=ledger).outcome is Outcome.PASSED
    theirs = registry.connect("memory:")
    status.publish(theirs, thief, url, purpose="suspension", at=NOW)
    findings = judged(issued, registry=theirs)
    assert code(findings) is Code.STATUS_VERIFICATION_ERROR
    frozen.suspend(issued, at=NOW)
    assert judged(issued, registry=ledger).outcome is Outcome.FAILED


# --- L6: lists that cannot be had


class Unreadable:
    """A registry, or a web, that gives nothing."""

    def __init__(self, error):
        self.error = error
        self.asked = 0

    def head(self, _log):
        raise self.error

    def __call__(self, _url):
        self.asked += 1
        raise self.error


ERRORS = [
    NotFoundError("404", ref=URL),
    RegistryError("500", code=Code.UNREACHABLE),
    RegistryError("too slow", code=Code.TIMEOUT),
    InvalidInputError("private", code=Code.ADDRESS_NOT_ALLOWED),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code.name)
@pytest.mark.parametrize("place", ["registry", "fetch"])
def test_a_list_that_cannot_be_had_leaves_the_status_open(ledger, credential, error, place):
    assert judged(credential, registry=ledger).outcome is Outcome.PASSED
    findings = judged(credential, **{place: Unreadable(error)})
    assert findings.outcome is Outcome.INCONCLUSIVE
    assert code(findings) is Code.STATUS_RETRIEVAL_ERROR
    assert str(error) in findings.checks[0].problem.detail


def test_nobody_to_ask_is_not_passed(credential):
    findings = judged(credential)
    assert (findings.outcome, code(findings)) == (
        Outcome.INCONCLUSIVE,
        Code.STATUS_RETRIEVAL_ERROR,
    )


def test_the_verifier_is_undecided_without_a_list(ledger, credential):
    assert verified(credential, registry=ledger)
    result = verified(credential)
    assert not result
    assert result.decision.verdict is policy.Verdict.INDETERMINATE
    assert result.report.outcome("status") is Outcome.INCONCLUSIVE


# --- L7: nothing is looked up for strangers


class Watched:
    """A registry that tells whether it was asked."""

    def __init__(self, inner):
        self._inner = inner
        self.asked = []

    def head(self, log):
        self.asked.append(log)
        return self._inner.head(log)


def test_nobody_is_asked_before_signature_and_issuer_are_known(ledger, revoked, credential):
    watched = Watched(ledger)
    assert verified(credential, registry=watched)
    assert watched.asked == [URL]
    watched.asked.clear()
    bare = unsigned(alice()) | {
        "issuer": str(office().did),
        "credentialStatus": revoked.entry(1),
    }
    altered = credential.to_dict()
    altered["credentialSubject"]["alumniOf"] = "Another School"
    stranger = cityid.issue(
        unsigned(alice()) | {"credentialStatus": revoked.entry(1)}, by=foreign_office(), at=NOW
    )
    for document in (bare, altered, stranger):
        result = verified(document, registry=watched)
        assert not result
        assert result.report.outcome("status") is Outcome.SKIPPED
        assert watched.asked == []


# --- L8: times to live


@pytest.mark.parametrize(
    ("ttl", "hold"),
    [
        (timedelta(days=11_000), caching.LONGEST_TTL),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(0), caching.SHORTEST_TTL),
        (None, caching.USUAL_TTL),
    ],
)
def test_a_ttl_is_held_within_bounds(credential, ttl, hold):
    document = signed(plain_list(ttl=ttl))

    def ages(seconds):
        return judged(credential, stapled=(document,), at=NOW + seconds).outcome

    assert ages(hold) is Outcome.PASSED
    assert ages(hold + SECOND) is Outcome.INCONCLUSIVE


class Web:
    """A web with one document."""

    def __init__(self, content):
        self.content = content
        self.asked = 0

    def __call__(self, url):
        self.asked += 1
        return did.FetchedDocument(url, json.dumps(self.content).encode(), "application/vc")


@pytest.mark.parametrize(
    ("ttl", "hold"),
    [
        (timedelta(days=11_000), caching.LONGEST_TTL),
        (timedelta(hours=1), timedelta(hours=1)),
        (timedelta(0), caching.SHORTEST_TTL),
    ],
)
def test_no_ttl_makes_a_storm_and_none_lasts_for_ever(credential, ttl, hold):
    web, cache = Web(signed(plain_list(ttl=ttl))), status.Cache()

    def ask(after):
        return judged(credential, fetch=web, cache=cache, at=NOW + after).outcome

    for _ in range(50):
        assert ask(timedelta(0)) is Outcome.PASSED
    assert ask(hold - SECOND) is Outcome.PASSED
    assert web.asked == 1
    ask(hold)
    assert web.asked == 2


def test_a_web_that_gives_nothing_is_not_stormed_either(credential):
    web, cache = Unreadable(RegistryError("down")), status.Cache()
    for seconds in (0, 1, 9, 10):
        findings = judged(credential, fetch=web, cache=cache, at=NOW + seconds * SECOND)
        assert code(findings) is Code.STATUS_RETRIEVAL_ERROR
    assert web.asked == 2


def test_a_list_that_does_not_hold_is_not_fetched_in_a_storm(credential):
    web, cache = Web(_tampered()), status.Cache()
    for _ in range(20):
        assert code(judged(credential, fetch=web, cache=cache)) is Code.STATUS_VERIFICATION_ERROR
    assert web.asked == 1


@pytest.mark.parametrize("ttl", [10**30, -5, "soon", True, 1.5])
def test_a_ttl_that_is_no_count_of_milliseconds_is_no_way_around_the_bounds(credential, ttl):
    document = plain_list()
    document["credentialSubject"]["ttl"] = ttl
    if ttl == 10**30:
        with pytest.raises(InvalidInputError):
            Credential.of(document)
        return
    findings = judged(credential, stapled=(signed(document),))
    assert code(findings) is Code.STATUS_VERIFICATION_ERROR
    document["credentialSubject"]["ttl"] = 1000
    assert judged(credential, stapled=(signed(document),)).outcome is Outcome.PASSED


# --- L9: a change between check and commit


def test_a_revocation_between_check_and_commit_is_seen(ledger, revoked, credential):
    verifier = cityid.Verifier(resolver=resolver(), registry=ledger)
    result = verifier.verify(credential, policy=policy.IssuedBy({office().did}), at=NOW)
    assert result
    assert verifier.recheck(result, at=NOW).outcome is Outcome.PASSED
    revoked.revoke(credential, at=NOW)
    changed = verifier.recheck(result, at=NOW)
    assert changed.outcome is Outcome.FAILED
    assert code(changed) is Code.STATUS_CHANGED


def test_a_decision_is_judged_by_one_state(ledger, revoked):
    class Turning:
        """A registry in which everything is revoked after the first look."""

        def head(self, log):
            record = ledger.head(log)
            revoked.revoke(range(131_072), at=NOW)
            return record

    two = [cityid.issue(unsigned(alice()), by=office(), status=revoked, at=NOW) for _ in range(2)]
    shown = cityid.present(two, by=alice(), challenge="abc", domain="pool.city.example", at=NOW)
    result = cityid.verify(
        shown,
        policy=policy.IssuedBy({office().did}),
        resolver=resolver(),
        registry=Turning(),
        challenge="abc",
        domain="pool.city.example",
        at=NOW + timedelta(days=1000),
    )
    outcomes = {check.outcome for check in result.checks if check.name == "status"}
    assert outcomes == {Outcome.PASSED}


# --- L10: what places tell (tests/unit/test_status_allocation.py has the 100,000)


def test_places_are_neither_in_order_nor_given_twice(revoked):
    places = [revoked.allocate() for _ in range(2000)]
    assert len(set(places)) == 2000
    ups = sum(b > a for a, b in pairwise(places))
    assert 850 < ups < 1150
    assert sum(abs(a - b) == 1 for a, b in pairwise(places)) < 5


def test_two_lists_have_orders_of_their_own(ledger):
    first, second = (
        status.publish(ledger, office(), f"{URL}/{n}", purpose="revocation", at=NOW)
        for n in range(2)
    )
    assert [first.allocate() for _ in range(20)] != [second.allocate() for _ in range(20)]


def test_the_registry_never_sees_who_was_given_which_place(ledger, revoked):
    before = ledger.head(URL)
    for _ in range(50):
        revoked.entry()
    assert ledger.head(URL) == before
