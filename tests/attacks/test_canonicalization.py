"""Attacks on the meaning of what is signed: each beside its harmless twin."""

import copy
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from cityid import pointer
from cityid.canonical import CONTEXTS, Contexts, check_contexts
from cityid.canonical.jsonld import canonicalize, to_quads
from cityid.errors import Code, InvalidInputError, NotFoundError

VC = "https://www.w3.org/ns/credentials/v2"
CITY = "https://city.example/contexts/v1"
TERMS = {
    "firstName": "https://schema.org/givenName",
    "lastName": "https://schema.org/familyName",
    "label": {"@id": "https://schema.org/label", "@container": "@language"},
    "knows": {"@id": "https://schema.org/knows", "@type": "@id"},
    "Resident": {
        "@id": "https://city.example/Resident",
        "@context": {
            "district": "https://city.example/district",
            "home": "https://city.example/home",
        },
    },
}
CONTEXTS_OF_THE_CITY = CONTEXTS.with_context(CITY, {"@context": TERMS})


def credential(**claims):
    return {
        "@context": [VC, CITY],
        "type": ["VerifiableCredential"],
        "issuer": "did:example:city",
        "credentialSubject": {"id": "did:example:alice", "firstName": "Anna", **claims},
    }


def canonical(document, contexts=CONTEXTS_OF_THE_CITY):
    return canonicalize(document, contexts)


def refusal(document, contexts=CONTEXTS_OF_THE_CITY):
    with pytest.raises(InvalidInputError) as caught:
        canonicalize(document, contexts)
    return caught.value


def test_the_credential_that_all_attacks_begin_with_is_sound():
    assert '"Anna"' in canonical(credential())
    assert check_contexts(credential(), CONTEXTS_OF_THE_CITY) == ()


# --- context substitution


def test_swapped_meanings_keep_the_canonical_form_and_are_found_beside_it():
    honest = credential(lastName="Alt")
    forged = copy.deepcopy(honest)
    forged["@context"].append({"firstName": TERMS["lastName"], "lastName": TERMS["firstName"]})
    forged["credentialSubject"] |= {"firstName": "Alt", "lastName": "Anna"}

    assert canonical(forged) == canonical(honest)  # so the proof of one holds for the other
    (problem,) = check_contexts(forged, CONTEXTS_OF_THE_CITY)
    assert (problem.code, problem.path) == (Code.CONTEXT_NOT_ALLOWED, "/@context/2")
    assert check_contexts(honest, CONTEXTS_OF_THE_CITY) == ()


def test_a_catch_all_vocabulary_is_found():
    document = credential()
    document["@context"].append({"@vocab": "https://attacker.example/#"})

    assert canonical(document) == canonical(credential())
    (problem,) = check_contexts(document, CONTEXTS_OF_THE_CITY)
    assert (problem.code, problem.path) == (Code.CONTEXT_NOT_ALLOWED, "/@context/2")


@pytest.mark.parametrize("context", [VC, {"firstName": TERMS["lastName"]}, [{}]])
def test_a_nested_context_is_found(context):
    document = credential(**{"@context": context})

    (problem,) = check_contexts(document, CONTEXTS_OF_THE_CITY)
    assert problem.code is Code.CONTEXT_NOT_ALLOWED
    assert problem.path == "/credentialSubject/@context"


def test_a_context_outside_the_set_is_never_looked_for():
    document = credential()
    document["@context"].append("https://attacker.example/context")

    with pytest.raises(NotFoundError) as caught:
        canonical(document)
    assert caught.value.code is Code.CONTEXT_NOT_ALLOWED


# --- claims that would not be signed


@pytest.mark.parametrize(
    ("claims", "path"),
    [
        ({"isMayor": True}, "/isMayor"),
        ({"isMayor": None}, "/isMayor"),
        ({"lastName": None}, "/lastName"),
        ({"lastName": []}, "/lastName"),
        ({"lastName": ["Alt", None]}, "/lastName/1"),
        ({"id": "123"}, "/id"),
        ({"id": "did:example:alice mayor"}, "/id"),
        ({"id": "../alice"}, "/id"),
        ({"knows": "bob"}, "/knows"),
        ({"type": "Mayor"}, "/type"),
        ({"type": ["Resident", "Mayor"]}, "/type"),
        ({"lastName": {"@value": None}}, "/lastName/@value"),
        ({"lastName": {"@value": "Alt", "isMayor": True}}, "/lastName/isMayor"),
        ({"district": "North"}, "/district"),
        ({"type": "Resident", "home": {"district": "North"}}, "/home/district"),
        ({"@graph": [{"id": "did:example:x", "firstName": "Eve"}]}, "/@graph"),
        ({"@index": "mayor"}, "/@index"),
    ],
)
def test_an_added_claim_that_would_not_be_signed_is_refused(claims, path):
    error = refusal(credential(**claims))

    assert error.code is Code.DATA_LOSS_DETECTION_ERROR
    assert error.path == f"/credentialSubject{path}"


@pytest.mark.parametrize(
    "claims",
    [
        {"lastName": "Alt"},
        {"lastName": ["Alt", "Neu"]},
        {"knows": "did:example:bob"},
        {"type": "Resident"},
        {"type": "Resident", "district": "North"},
        {"type": "Resident", "home": {"type": "Resident", "district": "North"}},
        {"lastName": {"@value": "Alt"}},
    ],
)
def test_every_claim_that_is_accepted_changes_what_is_signed(claims):
    assert canonical(credential(**claims)) != canonical(credential())


def test_an_id_with_a_space_does_not_empty_the_canonical_form():
    document = {**credential(), "id": "urn:uuid:1 2"}

    assert refusal(document).path == "/id"
    assert "<urn:uuid:1> " in canonical({**credential(), "id": "urn:uuid:1"})


# --- injection


INJECTION = 'en .\n<did:example:alice> <urn:mayor> "true"'


@pytest.mark.parametrize(
    "tag", [INJECTION, "en> .", "en\n", "e n", "é", "", "toolonglanguage", None, 5]
)
def test_a_language_tag_cannot_write_statements(tag):
    error = refusal(credential(lastName={"@value": "x", "@language": tag}))

    assert error.code is Code.MALFORMED_VALUE_ERROR
    assert error.path == "/credentialSubject/lastName/@language"


@pytest.mark.parametrize("tag", [INJECTION, "en> .", "en\n", "e n", "é", "", "toolonglanguage"])
def test_a_key_of_a_language_map_cannot_write_statements(tag):
    error = refusal(credential(label={tag: "x"}))

    assert error.code is Code.MALFORMED_VALUE_ERROR
    assert error.path == pointer.join("/credentialSubject/label", tag)


@pytest.mark.parametrize("tag", ["en", "DE-ch-1996", "x-private"])
def test_a_language_tag_is_signed(tag):
    tagged = canonical(credential(lastName={"@value": "x", "@language": tag}))

    assert f'"x"@{tag.lower()} .' in tagged
    assert f'"x"@{tag.lower()} .' in canonical(credential(label={tag: "x"}))


def test_the_languages_of_contexts_cannot_write_statements():
    for context in (
        {"@language": INJECTION, "a": "urn:a"},
        {"a": {"@id": "urn:a", "@language": INJECTION}},
    ):
        assert refusal({"@context": context, "a": "x"}).path == "/a"
    assert canonical({"@context": {"@language": "en", "a": "urn:a"}, "a": "x"})


@pytest.mark.parametrize(
    "iri",
    [
        "urn:a> <urn:b> <urn:c> .\n<urn:d",
        "urn:a b",
        "urn:a\n",
        "urn:\x00",
        'urn:"',
        "urn:{a}",
        "urn:a\\u0020",
        "urn:a\u2028",
        "urn:a\u00a0b",
        "_:a .\n_:b",
    ],
)
def test_an_iri_cannot_write_statements(iri):
    for claims in ({"id": iri}, {"knows": iri}, {"type": iri}, {iri: "x"}):
        assert refusal(credential(**claims)).code is Code.DATA_LOSS_DETECTION_ERROR
    assert canonical(credential(knows="urn:a%20b"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('" .\n<urn:a> <urn:b> "c', '\\" .\\n<urn:a> <urn:b> \\"c'),
        ("\b\f\t\r\x01\x1f\x7f\\", "\\b\\f\\t\\r\\u0001\\u001F\\u007F\\\\"),
        ("\x80\u2028\ufeff", "\x80\u2028\ufeff"),
    ],
)
def test_text_is_escaped_as_canonical_n_quads_are(text, written):
    assert f' "{written}" .\n' in canonical(credential(lastName=text))
    assert len(to_quads(credential(lastName=text), CONTEXTS_OF_THE_CITY)) == 5


# --- numbers and null contexts that processors read differently


@pytest.mark.parametrize(
    "number", [1e-7, 5e-324, 1e21, 2**53, 0.1 + 0.2, float("nan"), float("inf")]
)
def test_numbers_that_processors_write_differently_are_refused(number):
    error = refusal(credential(lastName=number))

    assert error.code is Code.NUMBER_OUT_OF_RANGE
    assert error.path == "/credentialSubject/lastName"


def test_equal_numbers_are_signed_alike_and_others_are_not():
    assert canonical(credential(lastName=7)) == canonical(credential(lastName=7.0))
    assert canonical(credential(lastName=0.1)) != canonical(credential(lastName=0.3))
    assert canonical(credential(lastName=True)) != canonical(credential(lastName=1))


def test_a_null_context_of_a_type_is_refused():
    context = {"T": {"@id": "urn:T", "@context": None}, "a": "urn:a"}

    assert refusal({"@context": context, "@type": "T", "a": "x"}).path == "/@type"
    context["T"]["@context"] = {}
    assert canonical({"@context": context, "@type": "T", "a": "x"})


# --- documents made to cost


def clique(size):
    names = [f"_:b{number}" for number in range(size)]
    around = {name: [] for name in names}
    for name, other in permutations(names, 2):
        around[name].append(other)
    return credential(knows=[{"id": name, "knows": others} for name, others in around.items()])


@pytest.mark.parametrize("size", [8, 12, 30])
def test_a_clique_of_unnamed_nodes_stops_at_the_work_limit(size):
    begin = time.process_time()

    error = refusal(clique(size))

    assert error.code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 0.5
    assert canonical(clique(3))


def test_nodes_that_look_alike_in_a_long_row_stop_at_the_work_limit():
    row = [{"id": f"_:b{number}", "knows": f"_:b{number + 1}"} for number in range(330)]
    begin = time.process_time()

    assert refusal(credential(knows=row)).code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 2
    assert canonical(credential(knows=row[:40]))


@pytest.mark.parametrize("depth", [330, 500, 5000])
def test_deep_nesting_is_told_and_is_no_recursion_error(depth):
    inner = {"firstName": "x"}
    for _ in range(depth):
        inner = {"knows": inner}

    assert refusal(credential(**inner)).code is Code.TOO_DEEP


def test_many_threads_that_begin_together_do_not_use_up_each_others_limit():
    document = credential(
        knows=[{"@context": {f"t{n}": "urn:t"}, f"t{n}": "x"} for n in range(500)]
    )
    fresh = CONTEXTS.with_context(CITY, {"@context": TERMS})

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(to_quads, [document] * 16, [fresh] * 16))
    assert {len(quads) for quads in results} == {1004}


def test_a_large_context_cannot_be_copied_often():
    wide = {f"t{n}": "urn:t" for n in range(4000)}
    nodes = [{"@context": {f"u{n}": "urn:u"}, f"u{n}": "x"} for n in range(200)]
    begin = time.process_time()

    error = refusal({"@context": wide, "t0": nodes})

    assert error.code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 2


def test_contexts_cannot_be_piled_up():
    nodes = [{"@context": {f"t{n}": "urn:t"}, f"t{n}": "x"} for n in range(5000)]
    begin = time.process_time()

    assert refusal(credential(knows=nodes)).code is Code.COMPLEXITY_LIMIT_EXCEEDED
    assert time.process_time() - begin < 2


# --- cross-talk


def test_two_sets_never_see_each_others_contexts_in_any_order():
    document = {"@context": CITY, "word": "x"}
    one = Contexts().with_context(CITY, {"@context": {"word": "urn:one"}})
    two = Contexts().with_context(CITY, {"@context": {"word": "urn:two"}})
    expected = {one: '_:c14n0 <urn:one> "x" .\n', two: '_:c14n0 <urn:two> "x" .\n'}

    for contexts in (one, two, one, two, two, one):
        assert canonicalize(document, contexts) == expected[contexts]
    with ThreadPoolExecutor(4) as pool:
        order = [one, two] * 200
        results = list(pool.map(canonicalize, [document] * len(order), order))
    assert results == [expected[contexts] for contexts in order]


def test_threads_that_begin_together_agree():
    document = credential(type="Resident", district="North", home={"type": "Resident"})
    expected = canonical(document)

    for _ in range(5):
        fresh = CONTEXTS.with_context(CITY, {"@context": TERMS})
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(canonicalize, [document] * 16, [fresh] * 16))
        assert set(results) == {expected}


def test_an_import_does_not_write_into_what_it_imports():
    base = {"@context": {"word": "urn:base", "other": "urn:base"}}
    contexts = (
        Contexts()
        .with_context("urn:base:1", base)
        .with_context("urn:word", {"@context": {"@import": "urn:base:1", "word": "urn:over"}})
        .with_context("urn:other", {"@context": {"@import": "urn:base:1", "other": "urn:over"}})
    )

    for url, word, other in (
        ("urn:word", "over", "base"),
        ("urn:other", "base", "over"),
        ("urn:base:1", "base", "base"),
    ):
        document = {"@context": url, "word": "w", "other": "o"}
        expected = [f'_:c14n0 <urn:{word}> "w" .\n', f'_:c14n0 <urn:{other}> "o" .\n']
        assert canonicalize(document, contexts) == "".join(sorted(expected))
    assert contexts.document("urn:base:1") == base


def test_what_was_worked_out_for_one_document_does_not_change_the_next():
    plain, typed = credential(lastName="Alt"), credential(type="Resident", district="North")
    inline = {**plain, "@context": [VC, CITY, {"lastName": "urn:other"}]}
    first = [canonical(document) for document in (plain, typed, inline)]
    with pytest.raises(InvalidInputError):
        canonical(credential(district="North"))

    assert [canonical(document) for document in (inline, typed, plain)] == first[::-1]
