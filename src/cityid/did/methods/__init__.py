"""The DID methods that need no network, each one module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cityid.did.methods.ethr import Ethr
from cityid.did.methods.jwk import Jwk
from cityid.did.methods.key import Key
from cityid.did.methods.peer import Peer
from cityid.did.methods.webvh import WebVH
from cityid.did.resolution import DIDMethod

METHODS: Final[Mapping[str, DIDMethod]] = MappingProxyType(
    {
        "ethr": Ethr(),
        "jwk": Jwk(),
        "key": Key(),
        "peer": Peer(),
        "webvh": WebVH(),
    }
)
"""Read-only: what `did.resolver` starts from. Third parties pass theirs as an argument."""

NOT_BUILT: Final = ("ion", "pkh")
"""Methods this version knows by name alone."""
