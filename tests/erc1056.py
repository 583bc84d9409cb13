"""The published contract of ERC-1056, which ``make anvil`` fetches: the work of others, kept apart.

A test that needs it carries the mark ``erc1056`` and is left out where it is missing.
"""

from __future__ import annotations

import os
from pathlib import Path

from cityid.did.methods import ethr

ARTEFACT = "EthereumDIDRegistry.json"
_ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = _ROOT / "build" / "anvil" / "node_modules" / "ethr-did-registry"


def artefact() -> Path | None:
    """Return the file that its authors published; None where it is missing.

    The variable CITYID_ERC1056 may name the folder of the npm package ``ethr-did-registry``.
    """
    package = Path(os.environ.get("CITYID_ERC1056") or _PACKAGE)
    file = package / "artifacts" / "contracts" / "EthereumDIDRegistry.sol" / ARTEFACT
    return file if file.is_file() else None


def creation_code() -> bytes:
    """Return the code that makes the contract."""
    file = artefact()
    assert file is not None, "the contract of ERC-1056 is missing: make anvil"
    return ethr.read_artefact(file.read_bytes())
