"""What a DID document must be: each rule a small function, every fault told at once.

Spec:
    https://www.w3.org/TR/did-1.1/#core-properties
    https://www.w3.org/TR/cid-1.0/#data-model
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from cityid import strict_json, timestamp
from cityid.did import syntax
from cityid.did.verification_method import KEY_FORMS, RELATIONSHIPS, read_key
from cityid.errors import CityIdError, Code, InvalidInputError, UnsupportedError, quote
from cityid.pointer import join
from cityid.report import Problem

DID_V1: Final = "https://www.w3.org/ns/did/v1"
DID_V1_1: Final = "https://www.w3.org/ns/did/v1.1"
CID_V1: Final = "https://www.w3.org/ns/cid/v1"

MAX_SLOW_KEYS: Final = 32
"""The most keys on BLS12-381 that a document may have."""

_SLOW_MULTIKEY: Final = "zUC7"  # how every key on BLS12-381 G2 begins
_PRIVATE_MEMBERS: Final = frozenset(
    {"secretKeyMultibase", "secretKeyJwk", "privateKeyMultibase", "privateKeyJwk"}
    | {"privateKeyBase58", "privateKeyHex", "privateKeyPem"}
)

Rule = Callable[[Mapping[str, Any], bool], Iterator[Problem]]


def check_document(document: object, *, any_url: bool = False) -> tuple[Problem, ...]:
    """List every fault of a DID document; none means that it conforms.

    Args:
        document: The document as JSON values.
        any_url: Whether the subject may be any URL, as in a controlled identifier document
            that is no DID document.

    Spec:
        https://www.w3.org/TR/did-1.1/#core-properties
    """
    try:
        return faults(strict_json.snapshot(document), any_url=any_url)
    except CityIdError as error:
        return (Problem.from_error(error),)


def faults(document: object, *, any_url: bool) -> tuple[Problem, ...]:
    """List every fault of a document that was read strictly already.

    Args:
        document: The document as JSON values.
        any_url: As for `check_document`.
    """
    if not isinstance(document, Mapping):
        return (_fault("a DID document is a JSON object"),)
    if _slow_keys(document) > MAX_SLOW_KEYS:
        return (_fault(f"a document has at most {MAX_SLOW_KEYS} keys on BLS12-381"),)
    return tuple(problem for rule in RULES for problem in rule(document, any_url))


def _slow_keys(document: Mapping[str, Any]) -> int:
    """Return how many keys take milliseconds to read, each."""
    return sum(
        isinstance(entry, Mapping)
        and str(entry.get("publicKeyMultibase", "")).startswith(_SLOW_MULTIKEY)
        for member in ("verificationMethod", *RELATIONSHIPS)
        for entry in _as_list(document.get(member))
    )


def _context(document: Mapping[str, Any], any_url: bool) -> Iterator[Problem]:
    """A JSON-LD document says first that it is a DID document; plain JSON says nothing."""
    if "@context" not in document:
        return
    entries = _as_list(document["@context"])
    allowed = (DID_V1_1, DID_V1, CID_V1) if any_url else (DID_V1_1, DID_V1)
    if not entries or entries[0] not in allowed:
        yield _fault(f"the first @context is one of {', '.join(allowed)}", "/@context")
    for index, entry in enumerate(entries[1:], start=1):
        if not isinstance(entry, Mapping) and not syntax.is_url(entry):
            yield _fault("a context is a URL or an object", join("/@context", index))


def _id(document: Mapping[str, Any], any_url: bool) -> Iterator[Problem]:
    """The subject is a DID."""
    subject = document.get("id")
    if not _is_subject(subject, any_url):
        yield _fault(f"{quote(subject)} is not the DID of a subject", "/id")


def _controller(document: Mapping[str, Any], any_url: bool) -> Iterator[Problem]:
    """Controllers are DIDs, each told once."""
    if "controller" not in document:
        return
    entries = _as_list(document["controller"])
    for index, entry in enumerate(entries):
        path = join("/controller", index) if isinstance(document["controller"], list) else ""
        if not _is_subject(entry, any_url):
            yield _fault(f"the controller {quote(entry)} is not a DID", path or "/controller")
    yield from _repeated(entries, "/controller")


def _also_known_as(document: Mapping[str, Any], _: bool) -> Iterator[Problem]:
    """Other names of the subject are URLs, each told once."""
    if "alsoKnownAs" not in document:
        return
    entries = document["alsoKnownAs"]
    if not isinstance(entries, list):
        yield _fault("alsoKnownAs is a list of URLs", "/alsoKnownAs")
        return
    for index, entry in enumerate(entries):
        if not syntax.is_url(entry):
            yield _fault(f"{quote(entry)} is not a URL", join("/alsoKnownAs", index))
    yield from _repeated(entries, "/alsoKnownAs")


def _verification_methods(document: Mapping[str, Any], any_url: bool) -> Iterator[Problem]:
    """Every method, listed or embedded, is whole, and no two different ones share a name."""
    seen: dict[str, Mapping[str, Any]] = {}
    for path, entry in _methods(document):
        if not isinstance(entry, Mapping):
            yield _fault("a verification method is an object", path)
            continue
        yield from _method(entry, _subject(document), path, any_url)
        name = _absolute(entry.get("id"), _subject(document))
        if name is not None and seen.setdefault(name, entry) != entry:
            yield _fault(f"another verification method is {quote(name)} too", join(path, "id"))


def _method(entry: Mapping[str, Any], subject: str, path: str, any_url: bool) -> Iterator[Problem]:
    name, controller, kind = (entry.get(member) for member in ("id", "controller", "type"))
    url = _absolute(name, subject)
    if url is None or (not any_url and not _is_did_url(url)):
        yield _fault(f"{quote(name)} is not the DID URL of a method", join(path, "id"))
    if not _is_subject(controller, any_url):
        yield _fault(
            f"{quote(controller)} is not the DID of a controller", join(path, "controller")
        )
    if not isinstance(kind, str) or not kind:
        yield _fault("a verification method has exactly one type", join(path, "type"))
    for member in sorted(_PRIVATE_MEMBERS & entry.keys()):
        yield _fault("a private key stands in a public document", join(path, member))
    forms = [form for form in KEY_FORMS if form in entry]
    if len(forms) > 1:
        yield _fault(f"one key in {len(forms)} forms: {', '.join(forms)}", path)
    jwk = entry.get("publicKeyJwk")
    if isinstance(jwk, Mapping) and not _PRIVATE_JWK.isdisjoint(jwk):
        yield _fault("the JWK has private members", join(path, "publicKeyJwk"))
    elif len(forms) == 1 and kind in _STRICT_TYPES:
        yield from _key(entry, path)
    for member in ("expires", "revoked"):
        yield from _moment(entry, member, path)


_STRICT_TYPES: Final = ("Multikey", "JsonWebKey")
"""The types whose keys have one form; those of older types are judged when they are used."""

_PRIVATE_JWK: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def _key(entry: Mapping[str, Any], path: str) -> Iterator[Problem]:
    try:
        read_key(entry)
    except UnsupportedError:
        return  # another library may know this kind of key
    except InvalidInputError as error:
        yield _fault(str(error), path)


def _moment(entry: Mapping[str, Any], member: str, path: str) -> Iterator[Problem]:
    if member in entry:
        try:
            timestamp.parse(entry[member])
        except InvalidInputError as error:
            yield _fault(str(error), join(path, member))


def _relationships(document: Mapping[str, Any], _: bool) -> Iterator[Problem]:
    """A relationship lists methods by URL or by value."""
    for relationship in RELATIONSHIPS:
        if relationship not in document:
            continue
        entries = document[relationship]
        if not isinstance(entries, list):
            yield _fault("a verification relationship is a list", join("", relationship))
            continue
        for index, entry in enumerate(entries):
            if not isinstance(entry, Mapping) and _absolute(entry, _subject(document)) is None:
                path = join("", relationship, index)
                yield _fault(f"{quote(entry)} is not the URL of a verification method", path)
        yield from _repeated(entries, join("", relationship))


def _services(document: Mapping[str, Any], _: bool) -> Iterator[Problem]:
    """A service has a type and an endpoint, and no two share a name."""
    entries = document.get("service", [])
    if not isinstance(entries, list):
        yield _fault("service is a list", "/service")
        return
    names: list[str] = []
    for index, entry in enumerate(entries):
        path = join("/service", index)
        if not isinstance(entry, Mapping):
            yield _fault("a service is an object", path)
            continue
        name = _absolute(entry.get("id"), _subject(document))
        if name is not None:
            names.append(name)
        elif "id" in entry or _first_context(document) == DID_V1:
            yield _fault(f"{quote(entry.get('id'))} is not the URL of a service", join(path, "id"))
        yield from _service(entry, path)
    yield from _repeated(names, "/service")


def _service(entry: Mapping[str, Any], path: str) -> Iterator[Problem]:
    kinds = _as_list(entry.get("type"))
    if not kinds or not all(isinstance(kind, str) and kind for kind in kinds):
        yield _fault("the type of a service is a string or a list of strings", join(path, "type"))
    endpoints = _as_list(entry.get("serviceEndpoint"))
    if not endpoints:
        yield _fault("a service has an endpoint", join(path, "serviceEndpoint"))
    for endpoint in endpoints:
        if not isinstance(endpoint, Mapping) and not syntax.is_url(endpoint):
            fault = f"the endpoint {quote(endpoint)} is neither a URL nor an object"
            yield _fault(fault, join(path, "serviceEndpoint"))


RULES: Final[tuple[Rule, ...]] = (
    _context,
    _id,
    _controller,
    _also_known_as,
    _verification_methods,
    _relationships,
    _services,
)
"""Every rule, in the order in which their faults are told."""


def _methods(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    listed = document.get("verificationMethod", [])
    if not isinstance(listed, list):
        yield "/verificationMethod", None
        listed = []
    for index, entry in enumerate(listed):
        yield join("/verificationMethod", index), entry
    for relationship in RELATIONSHIPS:
        entries = document.get(relationship, [])
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, Mapping):
                yield join("", relationship, index), entry


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _first_context(document: Mapping[str, Any]) -> Any:
    return next(iter(_as_list(document.get("@context"))), None)


def _subject(document: Mapping[str, Any]) -> str:
    return str(document.get("id", ""))


def _is_subject(value: object, any_url: bool) -> bool:
    if any_url and syntax.is_url(value) and not str(value).startswith("did:"):
        return "#" not in str(value)
    try:
        syntax.parse(value)
    except InvalidInputError:
        return False
    return True


def _is_did_url(value: str) -> bool:
    try:
        syntax.parse_url(value)
    except InvalidInputError:
        return False
    return True


def _absolute(reference: object, base: str) -> str | None:
    try:
        return syntax.absolute(reference, base) if isinstance(reference, str) else None
    except InvalidInputError:
        return None


def _repeated(entries: list[Any], path: str) -> Iterator[Problem]:
    texts = [entry for entry in entries if isinstance(entry, str)]
    if len(set(texts)) == len(texts):
        return
    counts = Counter(texts)
    for text in (text for text, count in counts.items() if count > 1):
        yield _fault(f"{quote(text)} stands twice", path)


def _fault(title: str, path: str = "") -> Problem:
    return Problem(Code.INVALID_DID_DOCUMENT, title, path=path)
