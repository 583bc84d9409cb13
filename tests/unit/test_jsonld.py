import copy
import json
from types import MappingProxyType

import pytest

import vectors
from cityid.canonical import CONTEXTS, Contexts
from cityid.canonical.jsonld import canonicalize, to_quads
from cityid.errors import CityIdError, Code, InvalidInputError, NotFoundError

URL = "https://city.example/contexts/v1"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TERMS = {
    "@version": 1.1,
    "ex": "https://ex.org/",
    "id": "@id",
    "type": "@type",
    "value": "@value",
    "text": "ex:text",
    "again": "ex:text",
    "link": {"@id": "ex:link", "@type": "@id"},
    "word": {"@id": "ex:word", "@type": "@vocab"},
    "json": {"@id": "ex:json", "@type": "@json"},
    "day": {"@id": "ex:day", "@type": XSD + "date"},
    "double": {"@id": "ex:double", "@type": XSD + "double"},
    "string": {"@id": "ex:string", "@type": XSD + "string"},
    "any": {"@id": "ex:any", "@type": "@none"},
    "german": {"@id": "ex:german", "@language": "DE"},
    "several": {"@id": "ex:several", "@container": "@set"},
    "list": {"@id": "ex:list", "@container": "@list"},
    "links": {"@id": "ex:links", "@type": "@id", "@container": "@list"},
    "names": {"@id": "ex:names", "@container": "@language"},
    "graph": {"@id": "ex:graph", "@container": "@graph"},
    "Person": {
        "@id": "ex:Person",
        "@context": {"nick": "ex:nick", "val": "@value", "knows": "ex:knows"},
    },
    "Plain": "ex:Plain",
    "scoped": {"@id": "ex:scoped", "@context": {"inner": "ex:inner", "text": "ex:othertext"}},
    "forget": {"@id": "ex:forget", "@container": "@graph", "@context": None},
}
CITY = Contexts().with_context(URL, {"@context": TERMS})


def doc(**members):
    return {"@context": URL, **members}


def lines(document, contexts=CITY):
    """The canonical lines without the common ends of IRIs, which makes them readable."""
    text = canonicalize(document, contexts)
    text = text.replace("https://ex.org/", "").replace(XSD, "xsd:").replace(RDF, "rdf:")
    return [line.removesuffix(" .") for line in text.split("\n")[:-1]]


def refused(document, contexts=CITY):
    with pytest.raises(InvalidInputError) as caught:
        to_quads(document, contexts)
    return caught.value


# --- what is handled


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"text": "x"}, ['_:c14n0 <text> "x"']),
        ({"text": ""}, ['_:c14n0 <text> ""']),
        ({"text": 'a"b\\c\n\r\t\b\f'}, [r'_:c14n0 <text> "a\"b\\c\n\r\t\b\f"']),
        ({"text": "\x01\x1f\x7fé\u2028"}, ['_:c14n0 <text> "\\u0001\\u001F\\u007Fé\u2028"']),
        ({"text": ["x", "y"]}, ['_:c14n0 <text> "x"', '_:c14n0 <text> "y"']),
        ({"text": ["x", "x"], "again": "x"}, ['_:c14n0 <text> "x"']),
        ({"id": "did:ex:1", "text": "x"}, ['<did:ex:1> <text> "x"']),
        ({"id": "ex:a", "text": "x"}, ['<a> <text> "x"']),
        ({"id": "_:mine", "link": "_:mine"}, ["_:c14n0 <link> _:c14n0"]),
        ({"type": "Plain"}, ["_:c14n0 <rdf:type> <Plain>"]),
        (
            {"type": ["Plain", "ex:B", "Plain"]},
            ["_:c14n0 <rdf:type> <B>", "_:c14n0 <rdf:type> <Plain>"],
        ),
        ({"link": "https://x.example/é?a#b"}, ["_:c14n0 <link> <https://x.example/é?a#b>"]),
        ({"link": {"id": "ex:b"}}, ["_:c14n0 <link> <b>"]),
        ({"link": {}}, ["_:c14n1 <link> _:c14n0"]),
        ({"word": "Plain"}, ["_:c14n0 <word> <Plain>"]),
        ({"word": ["ex:x", "urn:x:y"]}, ["_:c14n0 <word> <urn:x:y>", "_:c14n0 <word> <x>"]),
        ({"ex:abc": 1}, ['_:c14n0 <abc> "1"^^<xsd:integer>']),
        ({"https://x.example/p": True}, ['_:c14n0 <https://x.example/p> "true"^^<xsd:boolean>']),
        ({"text": False}, ['_:c14n0 <text> "false"^^<xsd:boolean>']),
        ({"text": -5}, ['_:c14n0 <text> "-5"^^<xsd:integer>']),
        ({"text": 1.5}, ['_:c14n0 <text> "1.5E0"^^<xsd:double>']),
        ({"text": -1234.5}, ['_:c14n0 <text> "-1.2345E3"^^<xsd:double>']),
        ({"text": 0.0001}, ['_:c14n0 <text> "1.0E-4"^^<xsd:double>']),
        ({"text": 12345678901.5}, ['_:c14n0 <text> "1.23456789015E10"^^<xsd:double>']),
        ({"double": 5}, ['_:c14n0 <double> "5.0E0"^^<xsd:double>']),
        ({"double": 0}, ['_:c14n0 <double> "0.0E0"^^<xsd:double>']),
        ({"double": "1.5E0"}, ['_:c14n0 <double> "1.5E0"^^<xsd:double>']),
        ({"string": 5}, ['_:c14n0 <string> "5"']),
        ({"string": True}, ['_:c14n0 <string> "true"']),
        ({"string": "x"}, ['_:c14n0 <string> "x"']),
        ({"day": "2027-01-01"}, ['_:c14n0 <day> "2027-01-01"^^<xsd:date>']),
        ({"day": 5}, ['_:c14n0 <day> "5"^^<xsd:date>']),
        ({"any": "x"}, ['_:c14n0 <any> "x"']),
        ({"german": "x"}, ['_:c14n0 <german> "x"@de']),
        ({"german": 5}, ['_:c14n0 <german> "5"^^<xsd:integer>']),
        ({"several": ["x"]}, ['_:c14n0 <several> "x"']),
        (
            {"json": {"b": [None, 1.0], "a": "é"}},
            ['_:c14n0 <json> "{\\"a\\":\\"é\\",\\"b\\":[null,1]}"^^<rdf:JSON>'],
        ),
        ({"json": None}, ['_:c14n0 <json> "null"^^<rdf:JSON>']),
        ({"json": []}, ['_:c14n0 <json> "[]"^^<rdf:JSON>']),
        ({"json": {"@context": 5}}, ['_:c14n0 <json> "{\\"@context\\":5}"^^<rdf:JSON>']),
        ({"list": []}, ["_:c14n0 <list> <rdf:nil>"]),
        (
            {"list": ["x"]},
            ["_:c14n0 <list> _:c14n1", '_:c14n1 <rdf:first> "x"', "_:c14n1 <rdf:rest> <rdf:nil>"],
        ),
        (
            {"list": "x"},
            ["_:c14n0 <list> _:c14n1", '_:c14n1 <rdf:first> "x"', "_:c14n1 <rdf:rest> <rdf:nil>"],
        ),
        (
            {"names": {"EN-us": "x", "@none": ["y"]}},
            ['_:c14n0 <names> "x"@en-us', '_:c14n0 <names> "y"'],
        ),
        ({"names": {"id": "x"}}, ['_:c14n0 <names> "x"@id']),
        ({"names": "x"}, ['_:c14n0 <names> "x"']),
        ({"names": ["x", 5]}, ['_:c14n0 <names> "5"^^<xsd:integer>', '_:c14n0 <names> "x"']),
        (
            {"graph": {"id": "ex:a", "text": "x"}},
            ["_:c14n1 <graph> _:c14n0", '<a> <text> "x" _:c14n0'],
        ),
        (
            {"scoped": {"inner": "x", "text": "y"}},
            ["_:c14n0 <scoped> _:c14n1", '_:c14n1 <inner> "x"', '_:c14n1 <othertext> "y"'],
        ),
        ({"type": "Person", "nick": "x"}, ["_:c14n0 <rdf:type> <Person>", '_:c14n0 <nick> "x"']),
        ({"text": {"@value": "x"}}, ['_:c14n0 <text> "x"']),
        ({"text": {"value": 5}}, ['_:c14n0 <text> "5"^^<xsd:integer>']),
        (
            {"text": {"@value": 1.5, "@type": "xsd:decimal"}},
            ['_:c14n0 <text> "1.5E0"^^<xsd:decimal>'],
        ),
        ({"text": {"@value": "x", "@language": "PT-br"}}, ['_:c14n0 <text> "x"@pt-br']),
        (
            {"text": {"@value": "x", "@language": "ar", "@direction": "rtl"}},
            ['_:c14n0 <text> "x"^^<https://www.w3.org/ns/i18n#ar_rtl>'],
        ),
        (
            {"text": {"@value": "x", "@direction": "ltr"}},
            ['_:c14n0 <text> "x"^^<https://www.w3.org/ns/i18n#_ltr>'],
        ),
        ({"text": {"@value": "5", "@type": "ex:T"}}, ['_:c14n0 <text> "5"^^<T>']),
        ({"text": {"@value": True, "@type": "ex:T"}}, ['_:c14n0 <text> "true"^^<T>']),
        ({"text": {"@value": [None], "@type": "@json"}}, ['_:c14n0 <text> "[null]"^^<rdf:JSON>']),
        ({}, []),
    ],
)
def test_a_member_becomes_its_statements(members, expected):
    assert sorted(lines(doc(**members))) == sorted(expected)


@pytest.mark.parametrize(
    ("number", "written"), [(7.0, "7"), (-0.0, "0"), (2.0**53 - 1, "9007199254740991")]
)
def test_a_whole_fraction_is_an_integer_as_the_specification_says(number, written):
    assert lines(doc(text=number)) == [f'_:c14n0 <text> "{written}"^^<xsd:integer>']


def test_lists_keep_order_and_hold_lists():
    document = doc(id="ex:a", list=["x", ["y", []], "x"])

    assert len(to_quads(document, CITY)) == 1 + 2 * 3 + 2 * 2
    assert lines(document) != lines(doc(id="ex:a", list=["x", "x", ["y", []]]))


def test_lists_of_links_hold_nodes():
    quads = to_quads(doc(links=["ex:a", {"id": "ex:b", "text": "x"}]), CITY)

    firsts = [value for _, predicate, value, _ in quads if predicate == f"<{RDF}first>"]
    assert sorted(firsts) == ["<https://ex.org/a>", "<https://ex.org/b>"]


def test_type_scoped_terms_do_not_reach_untyped_nodes():
    person = doc(type="Person", nick="x", knows={"type": "Person", "nick": "y"})

    assert len(to_quads(person, CITY)) == 5
    error = refused(doc(type="Person", knows={"nick": "y"}))
    assert error.path == "/knows/nick"


def test_a_type_scoped_context_holds_in_references_and_small_value_objects():
    assert lines(doc(type="Person", nick={"val": "x"}))[1] == '_:c14n0 <nick> "x"'
    assert lines(doc(type="Person", knows={"id": "ex:b"}))[1] == "_:c14n0 <knows> <b>"


def test_an_alias_of_a_type_is_refused_where_processors_disagree_about_it():
    error = refused(doc(type="Person", nick={"val": "x", "@language": "en", "@direction": "ltr"}))

    assert error.path == "/nick"


def test_a_presentation_holds_credentials_with_their_own_contexts():
    vc = "https://www.w3.org/ns/credentials/v2"
    credential = {"@context": vc, "type": "VerifiableCredential", "issuer": "did:ex:i"}
    presentation = {
        "@context": vc,
        "type": "VerifiablePresentation",
        "holder": "did:ex:h",
        "verifiableCredential": [credential, {**credential, "issuer": "did:ex:j"}],
    }

    quads = to_quads(presentation, CONTEXTS)
    graphs = {graph for _, _, _, graph in quads if graph}
    assert len(quads) == 2 + 2 + 2 * 2
    assert len(graphs) == 2


def test_the_caller_may_give_any_mapping_and_it_stays_as_it_is():
    document = doc(text=["x"], json={"a": 1})
    before = copy.deepcopy(document)

    assert to_quads(MappingProxyType(document), CITY) == to_quads(document, CITY)
    assert document == before


def test_sha384_is_used_inside_canonicalization_where_asked():
    document = doc(list=["x", "y"], link={"link": {"text": "z"}})

    assert canonicalize(document, CITY, hash_name="sha384") != canonicalize(document, CITY)


# --- what is refused, and where


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"undefined": "x"}, "/undefined"),
        ({"link": {"a/b~c": "x"}}, "/link/a~1b~0c"),
        ({"text": None}, "/text"),
        ({"text": [None]}, "/text/0"),
        ({"text": []}, "/text"),
        ({"text": ["x", ["y"]]}, "/text/1"),
        ({"list": ["x", None]}, "/list/1"),
        ({"list": ["x", ["y", {"undefined": 1}]]}, "/list/1/1/undefined"),
        ({"link": "relative"}, "/link"),
        ({"link": "a b:c"}, "/link"),
        ({"link": "ex:a b"}, "/link"),
        ({"link": "ex:<"}, "/link"),
        ({"link": ["ex:a", "#b"]}, "/link/1"),
        ({"link": "_:"}, "/link"),
        ({"link": "_:a b"}, "/link"),
        ({"link": 5}, "/link"),
        ({"word": "undefined"}, "/word"),
        ({"word": True}, "/word"),
        ({"id": "123"}, "/id"),
        ({"id": None, "text": "x"}, "/id"),
        ({"id": 5, "text": "x"}, "/id"),
        ({"id": ["ex:a"], "text": "x"}, "/id"),
        ({"id": "ex:a b", "text": "x"}, "/id"),
        ({"id": "ex:a"}, "/id"),
        ({"graph": {"id": "ex:a"}}, "/graph/id"),
        ({"graph": "ex:a"}, "/graph"),
        ({"graph": [{}, 5]}, "/graph/1"),
        ({"graph": {"@value": "x"}}, "/graph"),
        ({"forget": {"text": "x"}}, "/forget/text"),
        ({"type": "undefined"}, "/type"),
        ({"type": "@json"}, "/type"),
        ({"type": "_:b"}, "/type"),
        ({"type": None}, "/type"),
        ({"type": []}, "/type"),
        ({"type": [5]}, "/type"),
        ({"type": [[]]}, "/type"),
        ({"type": {"id": "x"}}, "/type"),
        ({"type": "Plain", "@type": "Plain"}, "/@type"),
        ({"id": "ex:a", "@id": "ex:a"}, "/@id"),
        ({"@id": "ex:a", "text": "x"}, "/@id"),
        ({"@value": "x"}, "/@value"),
        ({"@language": "en"}, "/@language"),
        ({"text": {"@language": "en"}}, "/text/@language"),
        ({"text": {"@direction": "ltr"}}, "/text/@direction"),
        ({"text": {"@value": None}}, "/text/@value"),
        ({"text": {"@value": []}}, "/text/@value"),
        ({"text": {"@value": 2**53}}, "/text/@value"),
        ({"text": {"@value": "x", "undefined": 1}}, "/text/undefined"),
        ({"text": {"@value": "x", "text": 1}}, "/text/text"),
        ({"text": {"@value": "x", "id": "ex:a"}}, "/text/id"),
        ({"text": {"@value": "x", "@index": "a"}}, "/text/@index"),
        ({"text": {"@value": "x", "@type": "relative"}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": None}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": ["ex:a"]}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": "Person"}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": RDF + "langString"}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": "ex:T", "@language": "en"}}, "/text/@type"),
        ({"text": {"@value": "x", "@type": "ex:T", "@direction": "ltr"}}, "/text/@type"),
        ({"text": {"@value": "x", "@direction": "auto"}}, "/text/@direction"),
        ({"text": {"@value": 5, "@direction": "ltr"}}, "/text/@value"),
        ({"text": {"@value": 5, "@language": "en"}}, "/text/@value"),
        ({"text": {"@value": "x", "@language": None}}, "/text/@language"),
        ({"text": {"@value": "x", "@language": "e n"}}, "/text/@language"),
        ({"text": {"@value": "five", "@type": XSD + "double"}}, "/text/@value"),
        ({"text": {"@value": "x", "value": "x"}}, "/text/value"),
        ({"double": "1.5"}, "/double"),
        ({"double": "NaN"}, "/double"),
        ({"double": "INF"}, "/double"),
        ({"names": {}}, "/names"),
        ({"names": {"e n": "x"}}, "/names/e n"),
        ({"names": {"en": None}}, "/names/en"),
        ({"names": {"en": []}}, "/names/en"),
        ({"names": {"en": ["x", 5]}}, "/names/en"),
        ({"json": {"a": [float("nan")]}}, "/json/a/0"),
        ({"@graph": {"text": "x"}}, "/@graph"),
        ({"@included": []}, "/@included"),
        ({"@nest": {}}, "/@nest"),
        ({"@reverse": {}}, "/@reverse"),
        ({"text": {"@list": ["x"]}}, "/text/@list"),
        ({"text": {"@set": ["x"]}}, "/text/@set"),
        ({"link": {"@context": None}}, "/link/@context"),
        ({"link": {"@context": [None]}}, "/link/@context"),
        ({"link": {"@context": 5}}, "/link/@context"),
        ({"@foo": "x"}, "/@foo"),
        ({"": "x"}, "/"),
        ({"_:p": "x"}, "/_:p"),
        ({"ex:a b": "x"}, "/ex:a b"),
        ({"text": (1, 2)}, "/text"),
        ({"text": b"x"}, "/text"),
    ],
)
def test_what_would_be_lost_is_refused_with_its_place(members, path):
    error = refused(doc(**members))

    assert error.path == path
    assert str(error).endswith(f"(at {path})")


@pytest.mark.parametrize(
    "number",
    [
        2**53,
        -(2**53),
        10**30,
        1e-7,
        5e-324,
        1e21,
        2.0**53,
        float("nan"),
        float("inf"),
        -float("inf"),
        0.1 + 0.2,
        2251799813685248.5,
    ],
)
def test_numbers_that_are_written_differently_or_not_exactly_are_refused(number):
    for members in ({"text": number}, {"double": number}, {"text": {"@value": number}}):
        assert refused(doc(**members)).code is Code.NUMBER_OUT_OF_RANGE


@pytest.mark.parametrize("document", [None, [], "text", 5, [{"@context": URL}]])
def test_a_document_is_an_object(document):
    assert refused(document).code is Code.PARSING_ERROR


@pytest.mark.parametrize("key", [5, None, ("a",)])
def test_keys_are_text(key):
    assert refused({"@context": URL, key: "x"}).code is Code.MALFORMED_VALUE_ERROR


def test_half_of_a_surrogate_pair_has_no_canonical_form():
    for members in ({"text": "\ud800"}, {"id": "ex:a", "text": "\ud800"}):
        with pytest.raises(InvalidInputError) as caught:
            canonicalize(doc(**members), CITY)
        assert caught.value.code is Code.INVALID_UNICODE


def nested(levels, member):
    document = {"text": "x"}
    for _ in range(levels):
        document = {member: document} if member == "link" else {member: [document]}
    return doc(**document)


@pytest.mark.parametrize("member", ["link", "text", "list", "graph"])
def test_depth_is_bounded(member):
    assert to_quads(nested(60, member), CITY)
    for levels in (70, 400, 20_000):
        assert refused(nested(levels, member)).code is Code.TOO_DEEP


def test_lists_in_lists_are_bounded():
    deep = ["x"]
    for _ in range(20_000):
        deep = [deep]

    assert refused(doc(list=deep)).code is Code.TOO_DEEP


def test_contexts_inside_a_document_are_bounded():
    nodes = [{"@context": {f"t{number}": "ex:t"}, f"t{number}": "x"} for number in range(6000)]

    assert to_quads(doc(link=nodes[:100]), CITY)
    assert refused(doc(link=nodes)).code is Code.COMPLEXITY_LIMIT_EXCEEDED


# --- contexts


def under(context, **members):
    return {"@context": context, **members}


def test_a_context_outside_the_set_is_not_found_wherever_it_stands():
    url = "https://unknown.example/"
    for document in (
        under(url),
        under([URL, url]),
        under(URL, link={"@context": url}),
        under({"a": {"@id": "ex:a", "@context": url}}, a={}),
        under({"@import": url}),
        under({"T": {"@id": "urn:T", "@context": [url]}}, type="T"),
    ):
        with pytest.raises(NotFoundError) as caught:
            to_quads(document, CITY)
        assert caught.value.code is Code.CONTEXT_NOT_ALLOWED
        assert caught.value.ref == url


def test_contexts_written_out_are_followed():
    assert lines(under([URL, {"mine": "ex:mine"}], mine="x")) == ['_:c14n0 <mine> "x"']
    assert (
        lines(doc(link={"@context": {"mine": "ex:mine"}, "mine": "x"}))[1] == '_:c14n1 <mine> "x"'
    )


def test_a_context_written_out_is_not_kept_by_reference():
    context = {"T": {"@id": "urn:t:T", "@context": {"a": "urn:t:a"}}}
    document = under(context, **{"@type": "T", "a": "x"})
    contexts = Contexts()
    first = canonicalize(document, contexts)
    context["T"]["@context"]["a"] = "urn:t:b"

    assert canonicalize(document, contexts) == first.replace("urn:t:a", "urn:t:b")


def test_an_import_is_merged_and_leaves_the_imported_context_alone():
    base = {"@context": {"a": "urn:base:a", "b": "urn:base:b"}}
    contexts = (
        Contexts()
        .with_context("urn:base", base)
        .with_context("urn:one", {"@context": {"@import": "urn:base", "a": "urn:one:a"}})
        .with_context("urn:two", {"@context": {"@import": "urn:base", "b": "urn:two:b"}})
    )
    members = {"a": "x", "b": "y"}
    for url, a, b in (
        ("urn:one", "one", "base"),
        ("urn:two", "base", "two"),
        ("urn:base", "base", "base"),
        ("urn:one", "one", "base"),
    ):
        expected = [f'_:c14n0 <urn:{a}:a> "x"', f'_:c14n0 <urn:{b}:b> "y"']
        assert lines(under(url, **members), contexts) == sorted(expected)
    assert contexts.document("urn:base") == base


@pytest.mark.parametrize(
    "context",
    [
        {"@foo": "ex:x"},
        {"a": "@foo"},
        {"a": {"@id": "@foo"}},
        {"a": {"@reverse": "@foo"}},
        {"@context": {"a": "urn:a"}},
        {"@id": "urn:a"},
        {"a": "relative"},
        {"a": 5},
        {"@version": 1.0},
        {"@direction": "rtl"},
        {"@import": 5},
        {"@import": "urn:list"},
        {"@vocab": None},
        {"a": {"@id": "urn:a", "@context": {"@foo": "urn:x"}}},
        {"a": {"@id": "urn:a", "@context": [{"@foo": "urn:x"}]}},
        {"a": {"@id": "urn:a", "@context": [5]}},
        {"a": object()},
        "urn:self",
    ],
)
def test_a_broken_context_is_refused(context):
    contexts = (
        Contexts()
        .with_context("urn:list", {"@context": [{"a": "urn:a"}]})
        .with_context("urn:self", {"@context": ["urn:self"]})
    )

    error = refused(under(context), contexts)
    assert error.path == "/@context"
    assert error.code is Code.MALFORMED_VALUE_ERROR


def test_contexts_in_contexts_are_bounded():
    deep = {"a": "urn:a"}
    for _ in range(5000):
        deep = {"a": {"@id": "urn:a", "@context": deep}}

    assert refused(under(deep)).path == "/@context"
    for _ in range(4900):
        deep = deep["a"]["@context"]
    assert refused(under(deep)).code is Code.TOO_DEEP


def test_a_context_written_out_has_a_length_limit():
    assert to_quads(under({f"t{number}": "urn:t" for number in range(3000)}), CITY) == []
    error = refused(under({f"t{number}": "urn:t" for number in range(9000)}))
    assert (error.code, error.path) == (Code.INPUT_TOO_LARGE, "/@context")


def test_the_cause_of_a_broken_context_is_kept():
    assert type(refused(under({"a": "relative"})).__cause__).__name__ == "JsonLdError"


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ({"@id": "urn:a", "@container": "@index"}, {"k": "x"}),
        ({"@id": "urn:a", "@container": "@id"}, {"urn:k": {}}),
        ({"@id": "urn:a", "@container": "@type"}, {"urn:k": {}}),
        ({"@id": "urn:a", "@container": ["@graph", "@id"]}, {"urn:k": {}}),
        ({"@reverse": "urn:a"}, {"@id": "urn:b"}),
        ({"@id": "urn:a", "@type": RDF + "JSON"}, "x"),
        ({"@id": "urn:a", "@type": "urn:a<b"}, "x"),
        ({"@id": "urn:a", "@type": "@json", "@container": "@list"}, ["x"]),
        ({"@id": "urn:a", "@language": "e n"}, "x"),
        ({"@id": "urn:a", "@direction": "rtl"}, "x"),
        (
            {"@id": "urn:a", "@direction": "rtl", "@type": "urn:T", "@container": "@language"},
            {"en": "x"},
        ),
        ({"@id": "urn:a", "@container": "@list", "@context": {"a": "urn:b"}}, ["x"]),
        ({"@id": "urn:a", "@type": "@json", "@context": {"a": "urn:b"}}, ["x"]),
        ({"@id": "urn:a", "@context": {"a": {"@reverse": "urn:b"}}}, "x"),
        ({"@id": "urn:a", "@context": {"a": "@type"}}, "urn:b"),
        ({"@id": "@nest"}, {}),
        (None, "x"),
    ],
)
def test_a_term_outside_the_subset_is_refused_where_it_is_used(definition, value):
    context = {"a": definition}

    assert to_quads(under(context), CITY) == []
    assert refused(under(context, a=value)).path == "/a"


def test_a_property_whose_own_context_redefines_it_reads_values_by_the_inner_one():
    context = {"a": {"@id": "urn:a", "@type": "@id", "@context": {"a": "urn:b"}}}

    assert lines(under(context, a="text")) == ['_:c14n0 <urn:a> "text"']


def test_a_type_with_a_null_context_is_refused():
    context = {"T": {"@id": "urn:T", "@context": None}}

    assert refused(under(context, **{"@type": "T"})).path == "/@type"


def test_a_type_may_not_redefine_how_types_are_written():
    context = {"type": "@type", "T": {"@id": "urn:T", "@context": {"type": "urn:other"}}}

    assert refused(under(context, type="T")).path == "/type"


def test_a_language_alias_of_none_is_refused():
    context = {"no": "@none", "a": {"@id": "urn:a", "@container": "@language"}}

    assert refused(under(context, a={"no": "x"})).path == "/a/no"


def test_a_prefix_without_meaning_makes_no_iri():
    context = {"p": {"@id": None, "@prefix": True}, "a": {"@id": "urn:a", "@type": "@id"}}

    assert lines(under(context, a="p:x")) == ["_:c14n0 <urn:a> <p:x>"]


def test_a_term_may_not_have_a_prefix_without_meaning():
    assert refused(under({"p": {"@id": None, "@prefix": True}}, **{"p:x": 1})).path == "/p:x"


def test_default_languages_are_signed():
    assert lines(under({"@language": "DE", "a": "urn:a"}, a="x")) == ['_:c14n0 <urn:a> "x"@de']
    assert refused(under({"@language": 'd"e', "a": "urn:a"}, a="x")).path == "/a"


def test_messages_do_not_hold_the_document():
    error = refused(doc(link="x" * 5000))

    assert len(str(error)) < 300


# --- published documents


def published():
    for folder in ("vc-di-eddsa", "vc-di-ecdsa", "vc-data-model-2.0", "foreign-signed"):
        for path in vectors.files(folder, "**/*.json"):
            if "-fail" not in path.name and "keyPair" not in path.name:
                yield pytest.param(path, id=f"{folder}/{path.name}")


@pytest.mark.parametrize("path", list(published()))
def test_published_documents_have_a_canonical_form(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or "@context" not in document:
        return
    document.pop("proof", None)
    try:
        assert bool(canonicalize(document, CONTEXTS)) == (document.keys() > {"@context"})
    except CityIdError as error:  # its own words, for whoever reads the failure
        pytest.fail(str(error))
