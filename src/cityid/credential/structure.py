"""Whether a document has the structure that the data model demands: every fault at once.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/#conforming-document
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from cityid.credential import rules, rules_v1, terms
from cityid.credential.model import (
    ENVELOPED_CREDENTIAL,
    ENVELOPED_PRESENTATION,
    Credential,
    Presentation,
    version,
)
from cityid.credential.rules import Rule
from cityid.errors import CityIdError, quote
from cityid.report import Problem

_MOST_FAULTS = 100


def check_credential(document: Credential | Mapping[str, Any] | str | bytes) -> tuple[Problem, ...]:
    """Return every fault in the structure of a credential; none means that it conforms.

    A hundred faults are told at most.
    The rules of data model 1.1 apply where the first context says so, the rules of an envelope
    where the type does. What lies in an envelope is not opened, and no proof is verified.

    Args:
        document: The credential, secured or not.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#verifiable-credentials
    """
    if type(document) is not dict:
        try:
            document = Credential.of(document).document
        except CityIdError as error:
            return (Problem.from_error(error),)
    return _faults(_credential_rules(document), document)


def check_presentation(
    document: Presentation | Mapping[str, Any] | str | bytes,
) -> tuple[Problem, ...]:
    """Return every fault in the structure of a presentation and of the credentials in it.

    Args:
        document: The presentation, secured or not.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#verifiable-presentations
    """
    if type(document) is not dict:
        try:
            document = Presentation.of(document).document
        except CityIdError as error:
            return (Problem.from_error(error),)
    if terms.has_type(document.get("type"), ENVELOPED_PRESENTATION):
        return _faults(rules.ENVELOPED_PRESENTATION, document)
    table = _PRESENTATION_1_1 if version(document) == "1.1" else _PRESENTATION
    return _faults(table, document)


def _faults(table: Mapping[str, Rule], document: dict[str, Any]) -> tuple[Problem, ...]:
    found = [faults for rule in table.values() if (faults := rule(document))]
    return tuple(islice(chain.from_iterable(found), _MOST_FAULTS)) if found else ()


def _credential_rules(document: dict[str, Any]) -> Mapping[str, Rule]:
    if terms.has_type(document.get("type"), ENVELOPED_CREDENTIAL):
        return rules.ENVELOPED_CREDENTIAL
    return rules_v1.CREDENTIAL if version(document) == "1.1" else rules.CREDENTIAL


def _verifiable_credential(document: dict[str, Any]) -> Iterator[Problem]:
    """``verifiableCredential`` holds objects only, each a conforming credential or envelope."""
    if "verifiableCredential" not in document:
        return
    for item, path in terms.each(document["verifiableCredential"], "/verifiableCredential"):
        if isinstance(item, dict):
            for problem in check_credential(item):
                yield replace(problem, path=path + problem.path)
        else:
            yield terms.fault(f"{quote(item)} is not a credential object", path)


def _self_asserted(document: dict[str, Any]) -> Iterator[Problem]:
    """A credential without proof of its own is the holder's: ``issuer`` is the ``holder``."""
    for item, path in terms.each(document.get("verifiableCredential"), "/verifiableCredential"):
        if not isinstance(item, dict) or "proof" in item:
            continue
        if terms.has_type(item.get("type"), ENVELOPED_CREDENTIAL):
            continue
        holder = terms.identifier(document.get("holder"))
        if holder is None:
            yield terms.fault("an unsecured credential in a presentation without holder", path)
        elif terms.identifier(item.get("issuer")) != holder:
            title = "an unsecured credential whose issuer is not the holder"
            yield terms.fault(title, f"{path}/issuer")


_PRESENTATION: Mapping[str, Rule] = MappingProxyType(
    {
        "@context": rules.context_of(terms.V2),
        "id": rules.id_,
        "type": rules.type_of("VerifiablePresentation"),
        "holder": rules.holder,
        "verifiableCredential": _verifiable_credential,
        "selfAsserted": _self_asserted,
        "termsOfUse": rules.TERMS_OF_USE,
        "proof": rules.proof,
    }
)
_PRESENTATION_1_1: Mapping[str, Rule] = MappingProxyType(
    {**_PRESENTATION, "@context": rules.context_of(terms.V1)}
)
RULES: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "credential": rules.CREDENTIAL,
        "presentation": _PRESENTATION,
        "enveloped credential": rules.ENVELOPED_CREDENTIAL,
        "enveloped presentation": rules.ENVELOPED_PRESENTATION,
        "credential 1.1": rules_v1.CREDENTIAL,
        "presentation 1.1": _PRESENTATION_1_1,
    }
)
"""Every rule by the kind of document it judges and its name; its docstring is the demand."""
