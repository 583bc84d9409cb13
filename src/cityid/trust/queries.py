"""Answers in the shapes of other registries of trust; JSON in, JSON out, no network.

A registry that cannot read its lists says so (a problem object with status 503): *no* is an answer
too, and another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from cityid import strict_json, timestamp
from cityid.did import Resolver, parse
from cityid.encoding import base64url_encode
from cityid.errors import CityIdError, Code, InvalidInputError, quote
from cityid.registry import Registry
from cityid.report import Outcome, Problem
from cityid.strict_json import JSONObject
from cityid.trust.actions import ISSUE, RECOGNIZE, RecognizedAction
from cityid.trust.lists import RecognitionList, read_list
from cityid.trust.walk import Recognition, recognition

_BAD_QUERY: Final = 400
_UNKNOWN: Final = 404
_UNAVAILABLE: Final = 503


def answer_trqp(
    query: Mapping[str, Any], *, ledger: Registry, resolver: Resolver, at: datetime | None = None
) -> JSONObject:
    """Answer an authorization or recognition query of the Trust Registry Query Protocol 2.0.

    ``resource`` is the type of credential; ``context.time`` asks about the past, and
    ``context.jurisdiction`` and ``context.claims`` narrow the question. With the action ``issue``
    it asks about an issuer, with ``recognize`` about another authority.

    Args:
        query: The query: ``entity_id``, ``authority_id``, ``action``, ``resource``, ``context``.
        ledger: The registry with the lists.
        resolver: Finds the authorities' keys.
        at: The present time; now by default.

    Returns:
        The answer with ``authorized``, or ``recognized`` for an authority; or a problem object
        with ``status`` 400 for a malformed query, 503 where a list cannot be had.

    Spec:
        https://trustoverip.github.io/tswg-trust-registry-protocol/
    """
    present = timestamp.aware(at) if at is not None else datetime.now(UTC)
    try:
        asked = {name: _text(query, name) for name in _TRQP}
        context = _context(query)
        found = _asked_trqp(asked, context, ledger, resolver, present)
    except CityIdError as error:
        return _problem(Problem.from_error(error), _BAD_QUERY)
    if found.outcome is Outcome.INCONCLUSIVE and found.problem is not None:
        return _problem(found.problem, _UNAVAILABLE)
    told = " → ".join(found.path) if found.problem is None else found.problem.title
    answer: JSONObject = {
        **asked,
        _ANSWERS[asked["action"]]: bool(found),
        "time_evaluated": timestamp.write(present),
        "message": told,
    }
    if "time" in context:
        answer["time_requested"] = context["time"]
    return answer | ({"context": context} if context else {})


_TRQP: Final = ("entity_id", "authority_id", "action", "resource")
_ANSWERS: Final = {ISSUE: "authorized", RECOGNIZE: "recognized"}


def _asked_trqp(
    asked: Mapping[str, str],
    context: JSONObject,
    ledger: Registry,
    resolver: Resolver,
    present: datetime,
) -> Recognition:
    if asked["action"] not in _ANSWERS:
        raise _bad(f"action is one of {', '.join(_ANSWERS)}, not {quote(asked['action'])}")
    claims, place = context.get("claims", []), context.get("jurisdiction")
    if not isinstance(claims, list) or not all(isinstance(claim, str) for claim in claims):
        raise _bad("context.claims is a list of JSON Pointers")
    if place is not None and not isinstance(place, str):
        raise _bad("context.jurisdiction is a text")
    return recognition(
        ledger,
        resolver,
        authority=str(parse(asked["authority_id"])),
        issuer=str(parse(asked["entity_id"])),
        for_type=asked["resource"],
        claims=claims,
        jurisdiction=place,
        action=asked["action"],
        at=timestamp.parse(context["time"], path="/context/time") if "time" in context else present,
    )


def answer_ebsi(
    query: Mapping[str, Any], *, ledger: Registry, resolver: Resolver, at: datetime | None = None
) -> JSONObject:
    """Answer what the Trusted Issuers Registry of EBSI tells about an issuer.

    Args:
        query: ``did``, the issuer; ``rootTao``, the authority that is believed; ``tao``, whose
            list is read, the same authority by default.
        ledger: The registry with the lists.
        resolver: Finds the authorities' keys.
        at: As of when; now by default.

    Returns:
        The issuer's ``did`` and ``attributes``, one a line that is in force: ``hash``, ``body``
        (the signed list, base64url), ``issuerType`` (``TI`` may issue, ``TAO`` may recognise
        others), ``tao`` and ``rootTao``, and beside them what it is ``accreditedFor``. Or a
        problem object with ``status`` 400, 404 or 503.

    Spec:
        https://hub.ebsi.eu/apis/pilot/trusted-issuers-registry
    """
    moment = timestamp.aware(at) if at is not None else datetime.now(UTC)
    try:
        issuer, root = str(parse(_text(query, "did"))), str(parse(_text(query, "rootTao")))
        tao = str(parse(_text(query, "tao"))) if "tao" in query else root
        found = read_list(ledger, resolver, tao, at=moment)
    except CityIdError as error:
        status = _UNAVAILABLE if error.code is Code.TRUST_LIST_UNAVAILABLE else _BAD_QUERY
        return _problem(Problem.from_error(error), status)
    attributes = list(_attributes(found, issuer, root, moment))
    if not attributes:
        told = f"no attribute of {quote(issuer, 120)} is in force"
        return _problem(Problem(Code.NOT_FOUND, told), _UNKNOWN)
    return {"did": issuer, "attributes": attributes}


_KINDS: Final = {ISSUE: "TI", RECOGNIZE: "TAO"}


def _attributes(
    found: RecognitionList, issuer: str, root: str, at: datetime
) -> Iterator[JSONObject]:
    content = strict_json.write(found.credential.document).encode()
    digest, body = hashlib.sha256(content).hexdigest(), base64url_encode(content)
    for line in found.actions:
        if line.entity == issuer and line.action in _KINDS and line.in_time(at):
            yield {
                "hash": digest,
                "body": body,
                "issuerType": _KINDS[line.action],
                "tao": found.authority,
                "rootTao": root,
                "accreditedFor": [_accredited(line)],
            }


def _accredited(line: RecognizedAction) -> JSONObject:
    places = {"limitJurisdiction": list(line.jurisdictions)} if line.jurisdictions else {}
    types = ["VerifiableCredential", *([line.for_type] if line.for_type else [])]
    schemas = [entry.get("id") for entry in line.output]
    return {"types": types, **places, **({"schemaId": schemas[0]} if schemas else {})}


def _text(query: Mapping[str, Any], name: str) -> str:
    given: object = query  # whatever the annotation promises
    value = given.get(name) if isinstance(given, Mapping) else None
    if isinstance(value, str) and value:
        return value
    raise _bad(f"the query needs {name}, a text")


def _context(query: Mapping[str, Any]) -> JSONObject:
    value = query.get("context", {})
    if isinstance(value, dict):
        return dict(value)
    raise _bad("context is an object")


def _bad(message: str) -> InvalidInputError:
    return InvalidInputError(message, code=Code.INVALID_OPTIONS)


def _problem(problem: Problem, status: int) -> JSONObject:
    return {**problem.to_dict(), "status": status}
