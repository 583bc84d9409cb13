"""The cryptosuites of Data Integrity: one file and one line in the table each.

A suite of one's own is a value with the shape of `Cryptosuite`, passed where `suites` is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from cityid.cryptosuites import ecdsa_jcs_2019, ecdsa_rdfc_2019, eddsa_jcs_2022, eddsa_rdfc_2022
from cityid.cryptosuites.base import DEFAULTS, PROOF_TYPE, Cryptosuite
from cityid.errors import UnsupportedError
from cityid.keys import KeyType

CRYPTOSUITES: Mapping[str, Cryptosuite] = MappingProxyType(
    {
        suite.name: suite
        for suite in (
            eddsa_rdfc_2022.SUITE,
            eddsa_jcs_2022.SUITE,
            ecdsa_rdfc_2019.SUITE,
            ecdsa_jcs_2019.SUITE,
        )
    }
)
"""Every cryptosuite of this version, by name."""

__all__ = ["CRYPTOSUITES", "PROOF_TYPE", "Cryptosuite", "suite_for"]


def suite_for(key_type: KeyType, *, form: Literal["rdfc", "jcs"] = "rdfc") -> str:
    """Return the name of the cryptosuite that signs with a type of key where none is named.

    Args:
        key_type: The type of key.
        form: The canonical form: ``rdfc`` for the meaning of JSON-LD, ``jcs`` for JSON as it is,
            which suits what is long, or read often.

    Raises:
        UnsupportedError: No cryptosuite signs with such keys.
    """
    suite = DEFAULTS.get(key_type)
    if suite is None:
        raise UnsupportedError(
            f"no cryptosuite signs with a key of type {key_type}",
            name=key_type,
            known=tuple(DEFAULTS),
        )
    return suite.replace("rdfc", form)
