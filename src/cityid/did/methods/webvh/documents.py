"""The document of a version, the services that every did:webvh has, and the files behind its paths.

Spec:
    https://identity.foundation/didwebvh/v1.0/#did-url-resolution
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cityid.did import syntax
from cityid.did.document import DIDDocument
from cityid.did.methods.base import check_path_segment, invalid_did
from cityid.did.methods.webvh.hashing import replaced
from cityid.did.methods.webvh.location import place_of
from cityid.did.rules import faults
from cityid.errors import Code, InvalidInputError, quote
from cityid.pointer import join
from cityid.report import Problem
from cityid.strict_json import JSONObject

LINKED_VP_V1: Final = "https://identity.foundation/linked-vp/contexts/v1"


def document_of(state: Mapping[str, Any]) -> DIDDocument:
    """Return a version's document, with the services that every did:webvh has.

    Args:
        state: The document as it stands in the log.

    Raises:
        InvalidInputError: It is no DID document (``INVALID_DID_DOCUMENT``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#did-url-resolution
    """
    problems = [
        problem for problem in faults(state, any_url=False) if not _harmless(problem, state)
    ]
    if problems:
        raise InvalidInputError(
            problems[0].title, code=Code.INVALID_DID_DOCUMENT, path=problems[0].path
        )
    did = state["id"]
    present = {
        syntax.absolute(service["id"], did)
        for service in state.get("service", [])
        if "id" in service
    }
    implied = [service for service in implicit_services(did) if service["id"] not in present]
    return DIDDocument({**state, "service": [*state.get("service", []), *implied]}, did)


def implicit_services(did: str) -> tuple[dict[str, Any], ...]:
    """Return the services that a did:webvh has without saying so.

    Args:
        did: The DID.
    """
    base = place_of(syntax.parse(did)).base_url
    return (
        {"id": f"{did}#files", "type": "relativeRef", "serviceEndpoint": f"{base}/"},
        {
            "@context": LINKED_VP_V1,
            "id": f"{did}#whois",
            "type": "LinkedVerifiablePresentation",
            "serviceEndpoint": f"{base}/whois.vp",
        },
    )


def did_web_document(document: DIDDocument) -> JSONObject:
    """Return the did:web document to publish beside a log, for those who know did:web alone.

    It has no history and no proof: whoever reads it believes the web server.

    Args:
        document: What the did:webvh resolved to.

    Raises:
        InvalidInputError: It is not the document of a did:webvh (``INVALID_DID``).

    Spec:
        https://identity.foundation/didwebvh/v1.0/#publishing-a-parallel-did-web-did
    """
    prefix = f"did:webvh:{place_of(syntax.parse(document.id)).scid}:"
    parallel: JSONObject = replaced(document.to_dict(), prefix, "did:web:")
    names = [*parallel.get("alsoKnownAs", []), document.id]
    others = dict.fromkeys(name for name in names if name != parallel["id"])
    return {**parallel, "alsoKnownAs": list(others)}


def file_url(path: str, document: DIDDocument) -> str:
    """Return where the file of a DID URL's path lies; see `WebVH.file_url`.

    Args:
        path: The path.
        document: The document of the DID, with the services that every did:webvh has.
    """
    is_whois = path == "/whois"
    wanted = f"{document.id}#{'whois' if is_whois else 'files'}"
    endpoint = next(
        (service.endpoints[0] for service in document.services if service.id == wanted), None
    )
    if not isinstance(endpoint, str) or not endpoint.startswith("https://"):
        raise invalid_did(f"the service {quote(wanted)} is not reached over https")
    if is_whois:
        return endpoint
    try:
        for segment in path.removeprefix("/").split("/"):
            check_path_segment(segment)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), code=Code.INVALID_DID_URL) from error
    return endpoint.removesuffix("/") + path


def _harmless(problem: Problem, state: Mapping[str, Any]) -> bool:
    """Tell whether a fault is a method without controller: logs have them, and none can be used."""
    methods = state.get("verificationMethod", [])
    return any(
        problem.path == join("/verificationMethod", index, "controller")
        and "controller" not in method
        for index, method in enumerate(methods if isinstance(methods, list) else [])
        if isinstance(method, Mapping)
    )
