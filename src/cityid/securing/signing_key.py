"""The key that a proof names, as it stood when the proof was made: what a later judge must know.

A signer's own ``created`` proves nothing: whoever holds a key can date back what he signs with it.
So a proof counts at the time of judgement, unless a registry had recorded the document before. Then
it counts at that time, and two clocks must agree that the key was good: that of the registry, which
tells what it had recorded of the controller's history by then, and that of the controller, who
dated it. Where they do not, nobody knows what came first.

Spec:
    https://www.w3.org/TR/cid-1.0/#verification-methods
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, TypeGuard

from cityid import timestamp
from cityid.cryptosuites.base import reason
from cityid.did import Resolver, VerificationMethod
from cityid.errors import (
    Code,
    InvalidInputError,
    NotFoundError,
    RegistryError,
    UnsupportedError,
)
from cityid.keys import PublicKey
from cityid.report import Problem
from cityid.securing.proof import Proof


class SigningKey(NamedTuple):
    """A key that may have made a proof.

    Attributes:
        controller: Who controls it.
        public_key: The key.
        warning: What became of it since; None for a key that is good.
    """

    controller: str
    public_key: PublicKey
    warning: Problem | None = None


class KeyQuestion(NamedTuple):
    """What is asked about the keys of proofs.

    Attributes:
        resolver: Finds the keys.
        purpose: What every proof must have been made for.
        at: The time of judgement.
        recorded: When a registry recorded the document; None where there is no such evidence.
        skew: How far the clock of a controller may be ahead, who has just changed his document.
    """

    resolver: Resolver
    purpose: str
    at: datetime
    recorded: datetime | None = None
    skew: timedelta = timedelta(0)

    @property
    def made_by(self) -> datetime:
        """The time at which the key counts."""
        return self.at if self.recorded is None else self.recorded

    def answer(self, proof: Proof) -> SigningKey:
        """Return the key that a proof names.

        Args:
            proof: The proof.

        Raises:
            CityIdError: There is no such key, or it could not be used for this purpose then;
                (`RegistryError`) it could not be read, or nobody knows what came first.
        """
        try:
            then, today = self._methods(proof.verification_method)
            key = then.public_key
        except InvalidInputError as error:  # its path leads into the controller's document
            raise InvalidInputError(reason(error), code=error.code, path=_path(proof)) from error
        self._refuse_revoked(then, proof)
        if self._ended(then.expires):
            told = f"the key expired at {timestamp.write(then.expires)}"
            raise InvalidInputError(told, code=Code.KEY_EXPIRED, path=_path(proof))
        if today is then and then.revoked is None:
            return SigningKey(then.controller, key)
        if today is not None:
            self._refuse_revoked(today, proof)
        return SigningKey(then.controller, key, self._since(key, today, _path(proof)))

    def _refuse_revoked(self, method: VerificationMethod, proof: Proof) -> None:
        if self._ended(method.revoked):
            told = f"the key was revoked at {timestamp.write(method.revoked)}"
            raise InvalidInputError(told, code=Code.KEY_REVOKED, path=_path(proof))

    def _ended(self, end: datetime | None) -> TypeGuard[datetime]:
        return end is not None and end <= self.made_by

    def _methods(self, url: str) -> tuple[VerificationMethod, VerificationMethod | None]:
        """Return the verification method as it stood then, and as it stands today."""
        if not self.resolver.keeps_history(url):
            method = self.resolver.verification_method(url, relationship=self.purpose)
            return method, method
        if self.recorded is not None:
            self._demand_order(url)
        try:
            today = self.resolver.verification_method(url, relationship=self.purpose)
        except (InvalidInputError, NotFoundError):
            today = None
        return self._then(url), today

    def _then(self, url: str) -> VerificationMethod:
        """Return the verification method as of the time at which it counts."""
        ask, at = self.resolver.verification_method, self.made_by
        with suppress(InvalidInputError, NotFoundError):
            return ask(url, relationship=self.purpose, at=at)
        return ask(url, relationship=self.purpose, at=at + self.skew)

    def _demand_order(self, url: str) -> None:
        """Refuse to guess where registry and controller disagree on what came first."""
        try:
            recorded = self._good_key(lambda: self._recorded(url))
        except UnsupportedError as error:
            if error.code is not Code.FEATURE_NOT_SUPPORTED:
                raise
            return  # no registry keeps the history: there are only the dates of the controller
        if recorded != self._good_key(lambda: self._then(url)):
            when = timestamp.write(self.made_by)
            raise RegistryError(
                f"unknown order: the document was recorded at {when}, and whether the key was good "
                "then, the registry and its controller date differently",
                code=Code.UNKNOWN_ORDER,
            )

    def _recorded(self, url: str) -> VerificationMethod:
        """Return the verification method as the registry had recorded it by then."""
        return self.resolver.verification_method(
            url, relationship=self.purpose, at=self.made_by, by_registry=True
        )

    def _good_key(self, find: Callable[[], VerificationMethod]) -> PublicKey | None:
        try:
            method = find()
        except (InvalidInputError, NotFoundError):
            return None
        return None if self._ended(method.revoked) else method.public_key

    def _since(self, key: PublicKey, today: VerificationMethod | None, path: str) -> Problem | None:
        """Tell what became of a key that was good then; None of one that still is."""
        if today is None or today.public_key != key:
            code, fate = Code.KEY_SINCE_ROTATED, "rotated"
        elif today.revoked is not None:
            code = Code.KEY_SINCE_REVOKED
            fate = f"revoked, from {timestamp.write(today.revoked)} on"
        else:
            return None
        when = timestamp.write(self.made_by)
        if self.recorded is None:
            told = f"valid as of {when}, key since {fate}; nothing proves that it was made by then"
            return Problem(Code.ORDER_UNPROVEN, told, path=path)
        told = f"valid then, key since {fate}; the document was recorded at {when}"
        return Problem(code, told, path=path)


def _path(proof: Proof) -> str:
    return proof.at("verificationMethod")
