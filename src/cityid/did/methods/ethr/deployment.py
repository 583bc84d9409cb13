"""Bringing the contract that keeps the changes of did:ethr to a chain of one's own.

The contract is the work of others and does not ship with cityid: the caller brings its code as it
was published, and nothing else is deployed. Nobody has power over it, and one serves everybody on a
chain.

Spec:
    https://eips.ethereum.org/EIPS/eip-1056
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from cityid import strict_json
from cityid.did.methods.ethr.controller import Sending
from cityid.did.methods.ethr.history import Ledger
from cityid.did.methods.ethr.networks import Network
from cityid.errors import Code, CorruptError, InvalidInputError

SHA256: Final = "abc04bc6c3d10f5be676e924cc9ce19302943d459e965f3308b6b21d7a9eaa93"
"""The hash of the code that was published."""

PUBLISHED: Final = (
    "artifacts/contracts/EthereumDIDRegistry.sol/EthereumDIDRegistry.json "
    "in the npm package ethr-did-registry 1.3.0"
)
"""Where the code is found."""

_KEY_SIZE: Final = 16


def deploy(ledger: Ledger, sender: Sending, code: bytes, *, key: bytes | None = None) -> Network:
    """Bring the contract to a chain, and wait until it is settled.

    Args:
        ledger: The chain.
        sender: Who pays; that gives no power over the contract.
        code: What makes the contract, as it was published; `read_artefact` reads it.
        key: What makes this the same deployment when it is asked for again; None for a new one.

    Returns:
        The network for ``networks=``; give it a name of yours.

    Raises:
        InvalidInputError: `code` is not what was published (``INVALID_OPTIONS``).
        RegistryError: The chain did not take it, or not in time; ask again.
    """
    _demand_published(code)
    same = secrets.token_bytes(_KEY_SIZE) if key is None else key
    receipt = sender.wait(sender.submit(None, code, key=same))
    if receipt.contract is None:
        raise CorruptError("the outbox has another work in place of the deployment", place="outbox")
    return Network(ledger.chain_id, receipt.contract)


def read_artefact(artefact: str | bytes) -> bytes:
    """Return the code that makes the contract out of the file that its authors published.

    Args:
        artefact: What is in ``EthereumDIDRegistry.json``.

    Raises:
        InvalidInputError: It is no JSON, or not the file that was published (``INVALID_OPTIONS``).
    """
    written: object = strict_json.parse_object(artefact).get("bytecode")
    try:
        code = bytes.fromhex(str(written).removeprefix("0x"))
    except ValueError as error:
        raise _not_published() from error
    _demand_published(code)
    return code


def _demand_published(code: object) -> None:
    if not isinstance(code, bytes) or hashlib.sha256(code).hexdigest() != SHA256:
        raise _not_published()


def _not_published() -> InvalidInputError:
    return InvalidInputError(
        f"this is not the published contract of ERC-1056; take {PUBLISHED}",
        code=Code.INVALID_OPTIONS,
    )
