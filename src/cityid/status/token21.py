"""The Token Status List of the IETF, as its draft 21 has it: a signed JWT with one array.

The form is a draft's, so its number stands in every name; a later form gets a module of its own.
The least significant bit comes first here, and ttl counts in seconds: both unlike the Bitstring
Status List.

Spec:
    https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from cityid import strict_json, timestamp
from cityid.did import Identity, Resolver
from cityid.encoding import base64url_decode, base64url_encode
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.keys import PublicKey
from cityid.report import Check, Problem
from cityid.securing import CLOCK_SKEW, jose
from cityid.status.bits import MOST_BYTES, Form, compress, expand, read_least_first
from cityid.status.bits import write_least_first as write
from cityid.strict_json import JSONObject

TOKEN_STATUS_LIST_DRAFT: Final = 21
TYPE: Final = "statuslist+jwt"
VALID, INVALID, SUSPENDED = 0, 1, 2
SIZES: Final = (1, 2, 4, 8)

_LONGEST_LIST = 1_000_000
_LATEST = 253_402_300_799  # the last second of the calendar
_LARGEST_INDEX = 2**53 - 1


@dataclass(frozen=True, slots=True)
class TokenStatusList21:
    """An array of statuses.

    Attributes:
        bits: How many bits each status has: 1, 2, 4 or 8.
        data: The array, the least significant bit first.
    """

    bits: int
    data: bytes

    @classmethod
    def of(
        cls, statuses: Sequence[int] | Mapping[int, int], *, bits: int, length: int = 0
    ) -> TokenStatusList21:
        """Return the array of some statuses.

        Args:
            statuses: The statuses in order, or those that are not 0 by place.
            bits: How many bits each has.
            length: How many there are at least.

        Raises:
            InvalidInputError: A status does not fit, or there are too many.
        """
        _bits(bits, "")
        named = statuses if isinstance(statuses, Mapping) else dict(enumerate(statuses))
        count = max([length, *(place + 1 for place in named)])
        if count * bits > MOST_BYTES * 8 or min(named, default=0) < 0:
            raise InvalidInputError(
                f"a list has at most {MOST_BYTES * 8 // bits} statuses of {bits} bits",
                code=Code.INPUT_TOO_LARGE,
            )
        data = bytearray(-(-count * bits // 8))
        for place, value in named.items():
            write(data, place, value, bits)
        return cls(bits, bytes(data))

    @classmethod
    def read(cls, document: object, path: str = "") -> TokenStatusList21:
        """Read an array from its JSON.

        Args:
            document: The object with ``bits`` and ``lst``.
            path: JSON Pointer to it, for the message.

        Raises:
            InvalidInputError: It breaks a rule of the specification, or cannot be expanded.

        Spec:
            https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-4.2
        """
        if not isinstance(document, Mapping):
            raise _malformed("a status list is an object with bits and lst", path)
        bits, text = _bits(document.get("bits"), f"{path}/bits"), document.get("lst", "")
        try:
            compressed = base64url_decode(text, max_length=_LONGEST_LIST)
            return cls(bits, expand(compressed, Form.ZLIB))
        except InvalidInputError as error:
            raise InvalidInputError(str(error), code=error.code, path=f"{path}/lst") from error

    def to_dict(self) -> JSONObject:
        """Return the array as JSON.

        Spec:
            https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-4.2
        """
        return {"bits": self.bits, "lst": base64url_encode(compress(self.data, Form.ZLIB))}

    def status(self, index: int) -> int:
        """Return one status.

        Args:
            index: Its place, from 0.

        Raises:
            InvalidInputError: There is none (RANGE_ERROR).
        """
        return read_least_first(self.data, index, self.bits)

    def __len__(self) -> int:
        return len(self.data) * 8 // self.bits


class StatusListToken21(NamedTuple):
    """A token that was verified.

    Attributes:
        list: The statuses.
        uri: The list's URI: ``sub``.
        issued: When it was issued.
        expires: From when on it says nothing.
        ttl: For how long a copy may be used.
    """

    list: TokenStatusList21
    uri: str
    issued: datetime
    expires: datetime | None
    ttl: timedelta | None


def sign(
    statuses: TokenStatusList21,
    *,
    by: Identity,
    uri: str,
    at: datetime,
    expires: datetime | None = None,
    ttl: timedelta | None = None,
) -> str:
    """Return a status list token as a JWT; ``kid`` is the DID URL of the key.

    Args:
        statuses: The statuses.
        by: Who issues it.
        uri: The list's URI, as credentials name it.
        at: When it is issued.
        expires: From when on it says nothing.
        ttl: For how long a copy may be used: whole seconds.

    Raises:
        InvalidInputError: A time is naive.
        NotFoundError: The issuer has no key at hand to sign with.
        UnsupportedError: Keys of this type sign no tokens.

    Spec:
        https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-5.1
    """
    method, signer = by.signer("assertionMethod")
    claims: JSONObject = {"sub": uri, "iat": _seconds(at), "status_list": statuses.to_dict()}
    if expires is not None:
        claims["exp"] = _seconds(expires)
    if ttl is not None:
        claims["ttl"] = int(ttl.total_seconds())
    payload = strict_json.write(claims).encode()
    return jose.sign(payload, signer=signer, typ=TYPE, kid=method)


def verify(
    token: str | bytes,
    *,
    uri: str,
    key: PublicKey | Resolver,
    issuer: str | None = None,
    at: datetime,
    historical: bool = False,
    skew: timedelta = CLOCK_SKEW,
) -> StatusListToken21:
    """Verify a status list token.

    Args:
        token: The JWT.
        uri: The list's URI, as the credential names it.
        key: The key it must be signed with; or who finds it under the DID URL in ``kid``.
        issuer: Whose key that must be; needed with a resolver.
        at: The time of judgement.
        historical: Whether the token was asked for as of `at`: it must have been in force then,
            to the second.
        skew: How far the issuer's clock may be off.

    Raises:
        InvalidInputError: It does not hold (STATUS_VERIFICATION_ERROR), or breaks a rule of the
            specification.
        NotFoundError: Its key is not there.
        RegistryError: Its key cannot be read.
        UnsupportedError: It is a CWT, or signed with another algorithm.

    Spec:
        https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-8.3
    """
    moment = timestamp.aware(at)
    _refuse_cwt(token)
    found = key if isinstance(key, PublicKey) else _key(token, key, issuer)
    claims = strict_json.parse_object(jose.verify(token, key=found, typ=TYPE).payload)
    if claims.get("sub") != uri:
        raise _unverified(f"the token is for {quote(claims.get('sub'), 120)}, not for this list")
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    if issued is None:
        raise _malformed("a status list token must say when it was issued", "/iat")
    margin = timedelta(0) if historical else skew
    if issued - moment > margin:
        raise _unverified(f"the token is of {timestamp.write(issued)}, which has not come yet")
    if expires is not None and moment >= expires:
        raise _unverified(f"the token expired at {timestamp.write(expires)}")
    ttl = claims.get("ttl")
    if ttl is not None and (type(ttl) is not int or not 0 < ttl <= _LATEST):
        raise _malformed(f"ttl is a number of seconds, not {quote(ttl)}", "/ttl")
    statuses = TokenStatusList21.read(claims.get("status_list"), "/status_list")
    return StatusListToken21(
        statuses, uri, issued, expires, None if ttl is None else timedelta(seconds=ttl)
    )


def reference(claim: object) -> tuple[str, int]:
    """Return the URI and the place that a credential's ``status`` claim names.

    Args:
        claim: The claim, an object with ``status_list``.

    Raises:
        InvalidInputError: It names none.

    Spec:
        https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-6.2
    """
    listed = claim.get("status_list") if isinstance(claim, Mapping) else None
    index, uri = (listed.get("idx"), listed.get("uri")) if isinstance(listed, Mapping) else (0, 0)
    if not isinstance(uri, str) or not uri:
        raise _malformed("a status claim needs status_list with idx and uri", "/status_list")
    if type(index) is not int or not 0 <= index <= _LARGEST_INDEX:
        raise _malformed(f"{quote(index)} is no place in a list", "/status_list/idx")
    return uri, index


def check(token: StatusListToken21, index: int) -> Check:
    """Return the check ``status``: 0 passes, INVALID and SUSPENDED fail, others stay open.

    Args:
        token: The token, verified.
        index: The place that the credential names.

    Spec:
        https://datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list-21#section-7.1
    """
    try:
        value = token.list.status(index)
    except InvalidInputError as error:
        return Check.failed("status", Problem.from_error(error))
    if value == VALID:
        return Check.passed("status")
    if value == INVALID:
        return Check.failed("status", Problem(Code.CREDENTIAL_REVOKED, "the credential is revoked"))
    if value == SUSPENDED:
        told = "the credential is suspended"
        return Check.failed("status", Problem(Code.CREDENTIAL_SUSPENDED, told))
    told = f"the status is {value}, which the application must know"
    return Check.inconclusive("status", Problem(Code.STATUS_NOT_CHECKED, told))


def _key(token: str | bytes, resolver: Resolver, issuer: str | None) -> PublicKey:
    kid = jose.read(token, typ=TYPE).header.get("kid")
    if issuer is None or not isinstance(kid, str):
        raise _unverified("without issuer= and a DID URL in kid, no key can be found")
    if kid.partition("#")[0] != issuer:  # else whoever writes a token says where to look
        raise _unverified(f"the key {quote(kid, 120)} is not of the issuer")
    return resolver.verification_method(kid, relationship="assertionMethod").public_key


def _refuse_cwt(token: object) -> None:
    if isinstance(token, bytes) and token[:1] in (b"\xd2", b"\x84"):  # COSE_Sign1, tagged or not
        raise UnsupportedError("status list tokens as CWT are not built", name="CWT", known=(TYPE,))


def _bits(bits: object, path: str) -> int:
    if type(bits) is not int or bits not in SIZES:
        raise _malformed(f"a status has 1, 2, 4 or 8 bits, not {quote(bits)}", path)
    return bits


def _seconds(moment: datetime) -> int:
    return int(timestamp.aware(moment).timestamp())


def _moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    value = claims.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= _LATEST:
        raise _malformed(f"{quote(value)} is no time in seconds since 1970", f"/{name}")
    return datetime.fromtimestamp(value, UTC)


def _unverified(told: str) -> InvalidInputError:
    return InvalidInputError(told, code=Code.STATUS_VERIFICATION_ERROR)


def _malformed(told: str, path: str) -> InvalidInputError:
    return InvalidInputError(told, code=Code.MALFORMED_VALUE_ERROR, path=path)
