"""Bringing the contract that keeps the changes of did:ethr to a chain of one's own.

The contract ships as it was published, and its file says where it is from. Nobody has power over
it, and one serves everybody on a chain.

Spec:
    https://eips.ethereum.org/EIPS/eip-1056
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

from cityid import resources, strict_json
from cityid.did.methods.ethr.controller import Sending
from cityid.did.methods.ethr.history import Ledger
from cityid.did.methods.ethr.networks import Network
from cityid.errors import CorruptError

ARTEFACT: Final = "EthereumDIDRegistry.json"
"""The file that ships."""

SHA256: Final = "abc04bc6c3d10f5be676e924cc9ce19302943d459e965f3308b6b21d7a9eaa93"
"""The hash of the code that was published."""

_KEY_SIZE: Final = 16


def deploy(ledger: Ledger, sender: Sending, *, key: bytes | None = None) -> Network:
    """Bring the contract to a chain, and wait until it is settled.

    Args:
        ledger: The chain.
        sender: Who pays; that gives no power over the contract.
        key: What makes this the same deployment when it is asked for again; None for a new one.

    Returns:
        The network for ``networks=``; give it a name of yours.

    Raises:
        RegistryError: The chain did not take it, or not in time; ask again.
    """
    same = secrets.token_bytes(_KEY_SIZE) if key is None else key
    receipt = sender.wait(sender.submit(None, creation_code(), key=same))
    if receipt.contract is None:
        raise CorruptError("the outbox has another work in place of the deployment", place="outbox")
    return Network(ledger.chain_id, receipt.contract)


def creation_code() -> bytes:
    """Return the code that makes the contract, as it was published.

    Raises:
        CorruptError: It is not what was published.
    """
    artefact: dict[str, Any] = strict_json.parse_object(
        resources.read(resources.Kind.CONTRACTS, ARTEFACT)
    )
    code = bytes.fromhex(str(artefact["bytecode"]).removeprefix("0x"))
    if hashlib.sha256(code).hexdigest() != SHA256:
        raise CorruptError(
            "the contract of did:ethr was changed; install cityid again", place=ARTEFACT
        )
    return code
