"""The documents of the VC Data Model 2.0 test suite: ``-ok`` accepted, ``-fail`` refused.

The suite hands most documents to an issuer, which fills in who issues; so does this module. What
a structure alone cannot tell (terms redefined, undefined or mapped to no URL) is refused when the
document is read as JSON-LD for signing.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta

import pytest

import vectors
from cityid import timestamp
from cityid.canonical import CONTEXTS, jsonld
from cityid.credential import check_credential, check_presentation, check_related_resources
from cityid.errors import CityIdError
from cityid.report import Outcome

FOLDER = "vc-data-model-2.0"
ISSUER = "did:key:z6MktKgf3PM2xwGdq8zSYbachLAuWrwcHRZMdffAneLKBuE8"
V2 = "https://www.w3.org/ns/credentials/v2"
SUITE_CONTEXTS = ("https://www.w3.org/ns/credentials/examples/v2",)
NOW = timestamp.parse("2026-11-21T12:00:00Z")
DATES = {
    "PAST DATE": timestamp.write(NOW - timedelta(days=365)),
    "FUTURE DATE": timestamp.write(NOW + timedelta(days=365)),
}
REFUSED = ("-fail", "-fail-or-inject", "-mismatch", "-no-holder")
UNSEEN_BY_STRUCTURE = {
    "credential-redef-type-fail",
    "credential-redef-type2-fail",
    "credential-type-mapped-nonurl-fail",
    "credential-type-unmapped-fail",
}


def _documents():
    for path in vectors.files(FOLDER, "input/**/*.json"):
        document = vectors.load(FOLDER, str(path.relative_to(vectors.ROOT / FOLDER)))
        yield vectors.case(FOLDER, path.stem, document, id=path.stem)


@pytest.mark.parametrize(("name", "document"), list(_documents()))
def test_document(name, document):
    prepared = _prepared(name, document)
    presentation = name.startswith("presentation")
    problems = check_presentation(prepared) if presentation else check_credential(prepared)
    refused = name.endswith(REFUSED)
    if name in UNSEEN_BY_STRUCTURE:
        assert not problems
        with pytest.raises(CityIdError):
            _read_as_json_ld(prepared)
    else:
        assert bool(problems) is refused, problems


def _prepared(name, document):
    """Return the document as the suite's own issuer would secure it."""
    if name.startswith("presentation"):
        if "self-asserted" not in name:
            for credential in document.get("verifiableCredential", ()):
                if isinstance(credential, dict):
                    credential["proof"] = {"type": "DataIntegrityProof"}
        return document
    if name == "credential-no-issuer-fail":
        return document
    issuer = document.setdefault("issuer", ISSUER)
    if isinstance(issuer, dict):
        issuer.setdefault("id", ISSUER)
    for member in ("validFrom", "validUntil"):
        if member in document:
            document[member] = DATES.get(document[member], document[member])
    return document


def _read_as_json_ld(document):
    contexts = CONTEXTS.with_inline()
    for url in SUITE_CONTEXTS:
        if url not in contexts:
            contexts = contexts.with_context(url, {"@context": {}})
    return jsonld.canonicalize(document, contexts)


def _recorded():
    for row in vectors.load("recorded-suite-traffic", "dm2.json") or ():
        request = row["request"]
        kind = next(
            kind
            for kind in ("credential", "verifiableCredential", "verifiablePresentation")
            if kind in request
        )
        if row["expect"] is not None:
            yield pytest.param(kind, request[kind], row["expect"], id=str(row["seq"]))


BEYOND_STRUCTURE = {
    "21": "a context that nobody knows",
    "35": "a type mapped to no URL",
    "36": "a type that no context defines",
    "120": "a term redefined",
    "121": "a term redefined",
    "140": "a proof that does not hold",
}
REFUSED_BEFORE_SIGNING = {
    # The recorded issuer signs these and its verifier refuses them; the data model forbids both.
    "96": "validFrom later than validUntil",
    "99": "validFrom later than validUntil",
}


@pytest.mark.parametrize(("kind", "document", "expect"), list(_recorded()))
def test_recorded_document_is_judged_as_far_as_structure_goes(kind, document, expect, request):
    presentation = kind == "verifiablePresentation"
    problems = check_presentation(document) if presentation else check_credential(document)
    number = request.node.callspec.id
    expected = (expect == "reject" and number not in BEYOND_STRUCTURE) or (
        number in REFUSED_BEFORE_SIGNING
    )
    assert bool(problems) is expected, problems


def _context_of_2024():
    folder = vectors.folder(FOLDER)
    return (folder / "credentials-v2-context-of-2024-07-20.json").read_bytes() if folder else b""


DIGEST_MEMBERS = [
    {"digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg"},
    {"digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"},
]


@pytest.mark.parametrize("digest", DIGEST_MEMBERS if vectors.folder(FOLDER) else [])
def test_the_suites_digests_are_those_of_the_context_of_2024(digest):
    document = {"relatedResource": {"id": V2, **digest}}
    (check,) = check_related_resources(document, {V2: _context_of_2024()})
    assert check.outcome is Outcome.PASSED
    (check,) = check_related_resources(document, {V2: b"the context of today"})
    assert check.outcome is Outcome.FAILED


def test_the_base_context_in_use_has_the_digest_that_the_recommendation_states():
    digest = "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"
    found = [path.read_bytes() for path in vectors.files("contexts", "**/*") if path.is_file()]
    texts = [text for text in found if hashlib.sha256(text).hexdigest() == digest]
    sri = "sha256-" + base64.b64encode(bytes.fromhex(digest)).decode()
    document = {"relatedResource": [{"id": V2, "digestSRI": sri}]}
    for text in texts:
        (check,) = check_related_resources(document, {V2: text})
        assert check.outcome is Outcome.PASSED
    assert bool(texts) is bool(found)
