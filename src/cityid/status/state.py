"""The last state of a list as its issuer reads it back: nobody signs anew what others wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cityid.canonical import Contexts
from cityid.credential import Credential
from cityid.cryptosuites import Cryptosuite
from cityid.did import Identity, Resolver
from cityid.errors import Code, InvalidInputError, NotFoundError, quote
from cityid.registry import Record, Registry
from cityid.status.bitstring import BitstringList, read_list
from cityid.verification import verify_credential


class Trust(NamedTuple):
    """What an issuer reads its own lists with.

    Attributes:
        resolver: Finds the keys that earlier states were signed with.
        contexts: The JSON-LD contexts that are admitted.
        suites: The cryptosuites there are.
    """

    resolver: Resolver
    contexts: Contexts
    suites: Mapping[str, Cryptosuite]


class State(NamedTuple):
    """The last state of a list.

    Attributes:
        record: Its record.
        list: The list.
    """

    record: Record
    list: BitstringList


def last_state(registry: Registry, issuer: Identity, url: str, trust: Trust) -> State:
    """Return the last state of a list, verified: nobody signs anew what somebody else wrote.

    Args:
        registry: Where it is kept.
        issuer: Who issues it.
        url: Its URL.
        trust: What it is read with.

    Raises:
        NotFoundError: There is no such list.
        InvalidInputError: What is there is not this issuer's list.
        RegistryError: The list cannot be read.
    """
    record = registry.head(url)
    if record is None:
        raise NotFoundError(f"there is no status list {quote(url, 120)}", ref=url)
    return own_state(record, issuer, url, trust)


def own_state(record: Record, issuer: Identity, url: str, trust: Trust) -> State:
    """Return the state of a list that a record holds, verified.

    Args:
        record: The record.
        issuer: Who issues the list.
        url: Its URL.
        trust: What it is read with.

    Raises:
        InvalidInputError: What is there is not this issuer's list.
    """
    credential = Credential.of(record.data)
    # A thief writes any date into a list, but not into the registry's record of it.
    made = max(credential.valid_from or record.recorded_at, record.recorded_at)
    findings = verify_credential(
        credential,
        resolver=trust.resolver,
        contexts=trust.contexts,
        at=made,
        suites=trust.suites,
    )
    if not findings.verified or credential.issuer != str(issuer.did) or credential.id != url:
        told = "; ".join(problem.title for problem in findings.report.errors)
        raise InvalidInputError(
            f"version {record.version} of the log is not this issuer's status list"
            + (f": {told}" if told else ""),
            code=Code.STATUS_VERIFICATION_ERROR,
        )
    found = read_list(credential)
    if not found.stands_at(record.version):
        raise InvalidInputError(
            f"version {record.version} of the log is a list that was signed for another version: "
            "somebody wrote it there again; status.restore publishes the right one anew",
            code=Code.STATUS_VERIFICATION_ERROR,
        )
    return State(record, found)
