from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from cityid import did
from cityid.errors import CityIdError, InvalidInputError

IDCHARS = string.ascii_letters + string.digits + ".-_"
SEGMENT = st.text(IDCHARS, min_size=1, max_size=8)
DIDS = st.builds(
    did.DID,
    st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8),
    st.lists(SEGMENT, min_size=1, max_size=4).map(":".join),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.just("did:a:b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["@context", "id", "controller", "alsoKnownAs", "type", "expires"]) | (
    st.sampled_from(["verificationMethod", "authentication", "keyAgreement", "service"])
)
SHAPES = st.dictionaries(MEMBERS, JSON | st.lists(st.dictionaries(MEMBERS, JSON), max_size=2))
few = settings(derandomize=True, max_examples=60, deadline=None)
deterministic = settings(derandomize=True, max_examples=150, deadline=None)


@deterministic
@given(DIDS)
def test_what_is_written_is_read_again(subject):
    assert did.parse(str(subject)) == subject
    assert did.parse_url(str(subject)) == did.DIDURL(subject)


@deterministic
@given(DIDS, st.dictionaries(st.text(max_size=6), st.text(max_size=6), max_size=4))
def test_parameters_come_back_as_they_were_meant(subject, parameters):
    url = did.build_url(subject, parameters=parameters.items())
    assert did.parse_url(str(url)).parameters == parameters


@deterministic
@given(st.text(max_size=40) | st.text("did:ab%#?/.", max_size=20))
def test_any_text_is_a_did_or_refused(text):
    try:
        assert str(did.parse(text)) == text
    except InvalidInputError:
        assert did.resolver().resolve(text).error is not None
    did.resolver().dereference(text)


@few
@given(SHAPES)
def test_any_document_is_read_or_refused(document):
    problems = did.check_document(document)
    try:
        read = did.DIDDocument.parse(document)
    except CityIdError:
        assert problems
    else:
        assert problems == ()
        assert read.to_dict() == document
        assert len(read.services) == len(document.get("service", ()))
        read.with_absolute_urls()
        for name in did.RELATIONSHIPS:
            read.relationship(name)


@few
@given(SHAPES)
def test_any_document_with_a_subject_is_seen_through(shape):
    document = {"id": "did:a:b"} | {name: value for name, value in shape.items() if name != "id"}
    if did.check_document(document):
        return
    read = did.DIDDocument.parse(document)
    resolver = did.resolver(documents=[read])
    for method in read.verification_methods:
        for name in did.RELATIONSHIPS:
            try:
                resolver.verification_method(method.id, relationship=name)
            except CityIdError:
                continue
