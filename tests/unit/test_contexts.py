import copy
import hashlib
import json
import pickle

import pytest

from cityid import resources
from cityid.canonical import CONTEXTS, Contexts, check_contexts, jcs, terms
from cityid.canonical.jsonld import canonicalize, to_quads
from cityid.errors import Code, CorruptError, InvalidInputError, NotFoundError

URL = "https://city.example/contexts/v1"
CONTEXT = {"@context": {"name": "https://schema.org/name"}}
VC = "https://www.w3.org/ns/credentials/v2"


# --- the set


def test_the_default_set_has_every_shipped_context_and_its_pinned_hash():
    assert VC in CONTEXTS
    assert len(CONTEXTS) == len(list(CONTEXTS)) > 30
    for url in CONTEXTS:
        assert "@context" in CONTEXTS.document(url)


@pytest.mark.parametrize("url", list(CONTEXTS))
def test_every_shipped_context_can_be_processed(url):
    assert to_quads({"@context": url}, CONTEXTS) == []


def test_contexts_is_empty_where_nothing_was_added():
    assert list(Contexts()) == []
    assert len(Contexts()) == 0
    assert VC not in Contexts()


def test_with_context_returns_another_value():
    more = CONTEXTS.with_context(URL, CONTEXT)

    assert URL not in CONTEXTS
    assert URL in more
    assert list(more) == [*CONTEXTS, URL]
    assert len(more) == len(CONTEXTS) + 1
    assert more.document(URL) == CONTEXT


def test_a_document_is_a_copy_of_the_callers_own():
    contexts = CONTEXTS.with_context(URL, CONTEXT)
    contexts.document(URL)["@context"]["name"] = "ex:changed"
    contexts.document(VC).clear()

    assert contexts.document(URL) == CONTEXT
    assert contexts.document(VC)["@context"]


def test_a_later_change_of_the_callers_document_is_not_seen():
    document = copy.deepcopy(CONTEXT)
    contexts = Contexts().with_context(URL, document)
    document["@context"]["name"] = "ex:changed"

    assert contexts.document(URL) == CONTEXT


def test_the_same_context_twice_is_the_same_set():
    contexts = CONTEXTS.with_context(URL, CONTEXT)

    assert contexts.with_context(URL, copy.deepcopy(CONTEXT)) is contexts


@pytest.mark.parametrize("url", [URL, VC])
def test_a_pinned_context_cannot_be_replaced(url):
    contexts = CONTEXTS.with_context(URL, CONTEXT)

    with pytest.raises(InvalidInputError, match="already") as caught:
        contexts.with_context(url, {"@context": {}})
    assert caught.value.code is Code.INVALID_OPTIONS


def test_an_unknown_context_is_not_found_and_the_message_has_the_line_to_add():
    with pytest.raises(NotFoundError) as caught:
        CONTEXTS.document(URL)

    assert caught.value.code is Code.CONTEXT_NOT_ALLOWED
    assert caught.value.ref == URL
    assert f"contexts=cityid.CONTEXTS.with_context('{URL}', document)" in str(caught.value)


def test_sets_are_values():
    contexts = CONTEXTS.with_context(URL, CONTEXT)

    assert contexts == CONTEXTS.with_context(URL, CONTEXT)
    assert hash(contexts) == hash(CONTEXTS.with_context(URL, CONTEXT))
    assert contexts != CONTEXTS
    assert contexts.with_inline() != contexts
    assert contexts.with_inline().inline
    with pytest.raises(AttributeError):
        contexts.inline = True


def test_a_set_can_be_pickled_and_leaves_what_it_worked_out_behind():
    contexts = CONTEXTS.with_context(URL, CONTEXT).with_inline()
    to_quads({"@context": [VC, URL], "name": "N"}, contexts)
    twin = pickle.loads(pickle.dumps(contexts))  # noqa: S301 - our own bytes

    assert twin == contexts
    assert twin.memory.terms is None
    assert len(pickle.dumps(contexts)) < 1000


# --- digests


def test_the_digest_of_a_mapping_is_that_of_its_canonical_json():
    digest = hashlib.sha256(jcs.canonicalize(CONTEXT)).hexdigest()

    assert URL in Contexts().with_context(URL, CONTEXT, sha256=digest.upper())


@pytest.mark.parametrize("kind", [str, bytes])
def test_the_digest_of_text_is_that_of_its_bytes(kind):
    text = json.dumps(CONTEXT, indent=7)
    digest = hashlib.sha256(text.encode()).hexdigest()
    document = text if kind is str else text.encode()

    assert Contexts().with_context(URL, document, sha256=digest).document(URL) == CONTEXT


def test_another_digest_is_refused():
    digest = hashlib.sha256(b"other").hexdigest()

    with pytest.raises(InvalidInputError) as caught:
        Contexts().with_context(URL, CONTEXT, sha256=digest)
    assert caught.value.code is Code.DIGEST_MISMATCH


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"@context": None},
        {"@context": 5},
        {"name": "x"},
        "[]",
        b"{",
        '{"@context":{},"a":1,"a":2}',
    ],
)
def test_what_is_no_context_document_is_refused(document):
    with pytest.raises(InvalidInputError):
        Contexts().with_context(URL, document)


@pytest.mark.parametrize("url", ["", "relative", "/path", None, 5, ["a:b"]])
def test_a_url_is_absolute(url):
    with pytest.raises(InvalidInputError) as caught:
        Contexts().with_context(url, CONTEXT)
    assert caught.value.code is Code.INVALID_OPTIONS


def test_a_changed_shipped_file_is_refused(monkeypatch):
    read = resources.read
    monkeypatch.setattr(
        resources,
        "read",
        lambda kind, name: read(kind, name) + (b"" if name == "index.json" else b" "),
    )

    with pytest.raises(CorruptError):
        Contexts(shipped=True).document(VC)


# --- check_contexts


def paths(document, contexts=CONTEXTS):
    problems = check_contexts(document, contexts)
    assert all(problem.code is Code.CONTEXT_NOT_ALLOWED for problem in problems)
    return [problem.path for problem in problems]


def test_known_contexts_have_no_problem():
    assert paths({"@context": VC, "name": "N"}) == []
    assert paths({"@context": [VC], "credentialSubject": {"name": "N"}}) == []
    assert paths({"name": "no context at all"}) == []


def test_each_context_outside_the_set_is_a_problem():
    document = {"@context": [VC, URL, "https://x.example/", {"a": "ex:a"}, None, 5]}

    assert paths(document) == [
        "/@context/1",
        "/@context/2",
        "/@context/3",
        "/@context/4",
        "/@context/5",
    ]
    assert paths({"@context": URL}) == ["/@context"]
    assert URL in check_contexts({"@context": URL}, CONTEXTS)[0].detail


def test_a_context_written_out_is_a_problem_unless_it_is_admitted():
    document = {"@context": [VC, {"a": {"@id": "ex:a", "@context": {"b": "ex:b"}}}], "a": "x"}

    assert paths(document) == ["/@context/1"]
    assert paths(document, CONTEXTS.with_inline()) == []


@pytest.mark.parametrize(
    ("inside", "path"),
    [
        ({"@import": URL}, "/@context/@import"),
        ({"a": {"@id": "ex:a", "@context": URL}}, "/@context/a/@context"),
        ({"a": {"@id": "ex:a", "@context": [VC, URL]}}, "/@context/a/@context"),
    ],
)
def test_an_admitted_context_cannot_bring_in_others(inside, path):
    document = {"@context": inside}

    assert paths(document, CONTEXTS.with_inline()) == [path]
    assert paths(document, CONTEXTS.with_inline().with_context(URL, CONTEXT)) == []


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"credentialSubject": {"@context": VC}}, "/credentialSubject/@context"),
        ({"a": [{"b": {"@context": {}}}]}, "/a/0/b/@context"),
        ({"a/b": {"@context": None}}, "/a~1b/@context"),
        ({"proof": {"a": {"@context": VC}}}, "/proof/a/@context"),
        ({"verifiableCredential": [{"@context": VC}]}, "/verifiableCredential/0/@context"),
    ],
)
def test_a_nested_context_is_a_problem_even_if_it_is_known(document, path):
    assert paths({"@context": VC, **document}, CONTEXTS.with_inline()) == [path]


def test_the_credentials_of_a_presentation_are_documents_of_their_own():
    credential = {"@context": [VC, URL], "credentialSubject": {"@context": VC}}
    presentation = {
        "@context": VC,
        "type": ["VerifiablePresentation"],
        "verifiableCredential": [credential, "text", [{"@context": VC}]],
    }

    assert paths(presentation) == [
        "/verifiableCredential/0/@context/1",
        "/verifiableCredential/0/credentialSubject/@context",
        "/verifiableCredential/2/0/@context",
    ]
    assert paths({**presentation, "verifiableCredential": {"@context": VC}}) == []


def test_presentations_do_not_nest():
    inner = {"type": "VerifiablePresentation", "verifiableCredential": {"@context": VC}}
    outer = {"type": "VerifiablePresentation", "verifiableCredential": inner}

    assert paths(outer) == ["/verifiableCredential/verifiableCredential/@context"]


def test_a_proof_may_repeat_known_contexts():
    assert paths({"@context": VC, "proof": {"@context": VC}}) == []
    assert paths({"@context": VC, "proof": [{"@context": [VC, URL]}]}) == ["/proof/0/@context/1"]


def test_no_depth_and_no_shape_breaks_the_check():
    deep = {"@context": VC}
    for _ in range(5000):
        deep = {"a": [deep]}

    assert len(paths(deep)) == 1
    assert paths({"@context": {}, "type": 5, "proof": 5, 5: {"@context": 1}}) == [
        "/@context",
        "/5/@context",
    ]


# --- memory


def test_sets_never_share_what_they_worked_out():
    one = Contexts().with_context(URL, {"@context": {"a": "https://one.example/"}})
    two = Contexts().with_context(URL, {"@context": {"a": "https://two.example/"}})
    document = {"@context": URL, "a": "x"}

    expected = {
        one: '_:c14n0 <https://one.example/> "x" .\n',
        two: '_:c14n0 <https://two.example/> "x" .\n',
    }
    for contexts in (one, two, one, two, two, one):
        assert canonicalize(document, contexts) == expected[contexts]
    assert one.memory.terms is not two.memory.terms
    assert one.with_inline().memory is not one.memory


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(terms, "_MOST_MEMORIES", 5000)
    contexts = Contexts().with_context(URL, {"@context": {"@vocab": "https://ex.org/"}})
    to_quads({"@context": URL, "a": "x"}, contexts)
    first = contexts.memory.terms
    for number in range(20):
        keys = {f"k{number}-{index}" + "x" * 50: "x" for index in range(500)}
        to_quads({"@context": URL, **keys}, contexts)
        if contexts.memory.terms is not first:
            break

    assert contexts.memory.terms is not first
    assert not contexts.memory.terms.full
