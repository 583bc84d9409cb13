"""What gas costs at present, asked now and then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cityid.errors import RegistryError
from cityid.registry.ethereum.sending.fees import FeePolicy, Quote
from cityid.registry.ethereum.sending.mempool import Mempool
from cityid.registry.ethereum.sending.transactions import Fees

_FRESH_SECONDS: Final = 5.0
_USABLE_SECONDS: Final = 600.0


class Prices:
    """Remembers for some seconds what nodes ask for gas.

    Args:
        mempool: The nodes.
        policy: How much is to be paid.
        dynamic: Whether the chain takes transactions with a base fee and a tip.
        clock: Tells seconds that only grow.

    Attributes:
        policy: How much is to be paid.
    """

    def __init__(
        self, mempool: Mempool, policy: FeePolicy, *, dynamic: bool, clock: Callable[[], float]
    ) -> None:
        self.policy = policy
        self._mempool = mempool
        self._dynamic = dynamic
        self._clock = clock
        self._last: tuple[float, Quote] | None = None

    def quote(self) -> Quote:
        """Return what nodes ask; while none answers, what they asked some minutes ago.

        Raises:
            RegistryError: None answers, and none did of late.
        """
        now, last = self._clock(), self._last
        if last is not None and now - last[0] < _FRESH_SECONDS:
            return last[1]
        try:
            quote = self._mempool.quote(dynamic=self._dynamic)
        except RegistryError:
            if last is None or now - last[0] > _USABLE_SECONDS:
                raise
            return last[1]
        self._last = now, quote
        return quote

    def fees(self) -> Fees:
        """Return what a new transaction offers.

        Raises:
            RegistryError: No node told what gas costs, or it costs more than is to be paid.
        """
        return self.policy.first(self.quote())
