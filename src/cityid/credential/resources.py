"""Whether the resources a credential relies on are the ones its issuer meant.

Spec:
    https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityid import digests
from cityid.credential.model import Credential
from cityid.credential.rules import related_resource
from cityid.credential.terms import each
from cityid.errors import CityIdError, InvalidInputError, UnsupportedError
from cityid.report import Check, Problem

_NAME = "related_resource"


def check_related_resources(
    document: Credential | Mapping[str, Any], resources: Mapping[str, bytes]
) -> tuple[Check, ...]:
    """Return one check ``related_resource`` for each related resource of a credential.

    Every digest that the credential gives must match. A resource that is not in hand was not
    used, so its check is skipped.

    Args:
        document: The credential.
        resources: The bytes of the resources that are in hand, by ``id``.

    Returns:
        The checks in the order of the resources; the faults alone where ``relatedResource`` is
        malformed.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#integrity-of-related-resources
    """
    try:
        view = Credential.of(document).document
    except CityIdError as error:
        return (Check.failed(_NAME, Problem.from_error(error)),)
    if "relatedResource" not in view:
        return ()
    faults = tuple(related_resource(view))
    if faults:
        return tuple(Check.failed(_NAME, fault, fault.path) for fault in faults)
    items = each(view["relatedResource"], "/relatedResource")
    return tuple(_check(item, path, resources) for item, path in items)


def _check(item: dict[str, Any], path: str, resources: Mapping[str, bytes]) -> Check:
    if item["id"] not in resources:
        return Check.skipped(_NAME, path)
    try:
        digests.check(item, resources[item["id"]], path=path)
    except InvalidInputError as error:
        return Check.failed(_NAME, Problem.from_error(error), path)
    except UnsupportedError as error:
        return Check.inconclusive(_NAME, Problem.from_error(error, path=path), path)
    return Check.passed(_NAME, path)
