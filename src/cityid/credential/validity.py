"""Whether a credential is valid at a point in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cityid import timestamp
from cityid.credential.model import PERIOD, Credential, period
from cityid.errors import CityIdError, Code
from cityid.report import Check, Problem

_NO_SKEW = timedelta(0)
_VALID = Check.passed("validity")


def check_validity(
    credential: Credential | Mapping[str, Any], *, at: datetime, skew: timedelta = _NO_SKEW
) -> Check:
    """Return the check ``validity``: from ``validFrom`` on, and until before ``validUntil``.

    Data model 1.1 calls them ``issuanceDate`` and ``expirationDate``. A date that cannot be read
    fails the check; a credential without dates is always valid, and the check does not apply.

    Args:
        credential: The credential.
        at: When it must be valid.
        skew: How far the clocks of issuer and verifier may differ.

    Raises:
        InvalidInputError: `at` is naive.

    Spec:
        https://www.w3.org/TR/vc-data-model-2.0/#validity-period
    """
    at = timestamp.aware(at)
    try:
        view = Credential.of(credential)
        start, end = period(view.document)
    except CityIdError as error:
        return Check.failed("validity", Problem.from_error(error))
    if start is not None and start - at > skew:
        title = f"not valid before {timestamp.write(start)}"
        path = f"/{PERIOD[view.version][0]}"
        problem = Problem(Code.CREDENTIAL_NOT_YET_VALID, title, path=path)
        return Check.failed("validity", problem)
    if end is not None and at - end >= skew:
        title = f"expired at {timestamp.write(end)}"
        path = f"/{PERIOD[view.version][1]}"
        return Check.failed("validity", Problem(Code.CREDENTIAL_EXPIRED, title, path=path))
    if start is None and end is None:
        return Check.skipped("validity")
    return _VALID
