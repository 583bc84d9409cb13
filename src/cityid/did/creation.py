"""New identities: one function, one branch of a table for each method."""

from __future__ import annotations

from cityid import keys
from cityid.did.identity import Identity
from cityid.did.methods import METHODS, NOT_BUILT
from cityid.did.methods.key import did_of
from cityid.did.resolution import DEFAULTS
from cityid.errors import Code, UnsupportedError, quote
from cityid.keys import Signer


def create(
    method: str = "key", *, signer: Signer | None = None, key_type: str = "Ed25519"
) -> Identity:
    """Make a new identity.

    Args:
        method: The DID method.
        signer: The key that shall act for it; made new where it is not given.
        key_type: The type of the key to make.

    Raises:
        UnsupportedError: This version cannot make DIDs of this method.
    """
    if method != "key":
        raise UnsupportedError(
            f"no DID of method {quote(method)} can be made",
            name=str(method)[:80],
            known=("key",),
            code=Code.METHOD_NOT_SUPPORTED,
        )
    signer = keys.generate(key_type) if signer is None else signer
    did = did_of(signer.public_key)
    document = METHODS["key"].resolve(did, DEFAULTS).require()
    return Identity(did, document, ((document.verification_methods[0].id, signer),))
