"""Compile CityRegistry, and write what ships: ``python tests/contracts/artefact.py``.

The same source and compiler always give the same bytes, so that a test can compare them, and
whoever doubts a contract on a chain can compile it again.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "src" / "cityid" / "registry" / "contracts"
NAME = "CityRegistry"


def artefact(source: str) -> bytes:
    """Return the artefact of the contract, as JSON."""
    import vyper
    from vyper.compiler import compile_code

    made = compile_code(
        source,
        contract_path=f"{NAME}.vy",
        output_formats=["abi", "bytecode", "bytecode_runtime"],
    )
    document = {
        "contract": NAME,
        "compiler": f"vyper {vyper.__long_version__}",
        "settings": {"evmVersion": "london", "optimize": "gas"},
        "sourceSha256": hashlib.sha256(source.encode()).hexdigest(),
        "abi": made["abi"],
        "bytecode": made["bytecode"],
        "runtime": made["bytecode_runtime"],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


if __name__ == "__main__":
    path = FOLDER / f"{NAME}.json"
    path.write_bytes(artefact((FOLDER / f"{NAME}.vy").read_text(encoding="utf-8")))
    sys.stdout.write(f"{path}: {path.stat().st_size} bytes\n")
