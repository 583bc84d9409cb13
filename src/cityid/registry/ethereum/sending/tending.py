"""Healing a lane, step by step: what was sent is looked for, sent again, paid better, or replaced.

Nothing here hurries to a conclusion. What no node knows at present is sent again, the same bytes,
as often as it takes. Work gets another nonce only when a settled block says that its nonce is used
and no node has a receipt of any transaction that was signed for it. Whatever a node fails to say is
unknown, and is asked for again in the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from cityid.errors import RegistryError
from cityid.registry.ethereum.sending.lane import Lane
from cityid.registry.ethereum.sending.mempool import Counts, Mempool, Reception, is_credible
from cityid.registry.ethereum.sending.pen import Pen
from cityid.registry.ethereum.sending.prices import Prices
from cityid.registry.ethereum.sending.slots import Attempt, Entered, Sighting, Slot
from cityid.registry.ethereum.sending.transactions import Fees
from cityid.registry.ethereum.sending.watch import Note, Watch

if TYPE_CHECKING:
    from cityid.registry.ethereum.nodes.chain import Chain

T = TypeVar("T")

WINDOW: Final = 4_096
"""How far ahead of what is in blocks transactions are sent: about what a node keeps waiting."""
_RESENT_AT_ONCE: Final = 500
_AGAIN_SECONDS: Final = 2.0
_ANYWAY_SECONDS: Final = 15.0
_STUCK_SECONDS: Final = 30.0
_STUCK_BLOCKS: Final = 2
_POOR_SECONDS: Final = 6.0
_OUTBID_AT_ONCE: Final = 16
_REFUSED_SECONDS: Final = 20.0
_GAP_SECONDS: Final = 8.0
_LOST_SECONDS: Final = 30.0
_GAPS_AT_ONCE: Final = 64
_MOST_GAPS: Final = 256
"""More gaps are not filled: each is paid for."""
_USED_SECONDS: Final = 6.0


class Tending:
    """Heals one lane.

    Args:
        chain: The chain.
        mempool: Its nodes.
        lane: The lane.
        pen: Signs for the lane.
        prices: What gas costs.
        clock: Tells seconds that only grow.
    """

    def __init__(
        self,
        chain: Chain,
        mempool: Mempool,
        lane: Lane,
        *,
        pen: Pen,
        prices: Prices,
        clock: Callable[[], float],
    ) -> None:
        self._chain = chain
        self._mempool = mempool
        self._lane = lane
        self._pen = pen
        self._prices = prices
        self._clock = clock
        self.watch = Watch()

    def step(self) -> int:
        """Do what can be done at present, and return how many slots are not settled.

        Raises:
            RegistryError: The outbox cannot be used.
        """
        slots = self._lane.slots()
        self.watch.keep({slot.nonce for slot in slots})
        if not slots:
            return 0
        self.watch.trouble = ""
        counts = self._asked(lambda: self._mempool.counts(self._pen.address))
        if counts is None:
            return len(slots)
        self.watch.look(counts, self._clock())
        slots, absent = self._look(slots, counts)
        slots = self._file(slots)
        self._give_new_nonces([slot for slot in slots if slot.nonce in absent], counts)
        waiting = [slot for slot in slots if slot.sighting is None]
        self._fill_gaps(slots, counts)
        self._resend(waiting, counts)
        self._outbid(_in_line(waiting, counts.mined), counts)
        return len(slots)

    def send(self, entered: Sequence[Entered]) -> None:
        """Hand new transactions to the nodes, as far ahead as they keep them.

        Args:
            entered: The transactions.
        """
        limit = max(self.watch.mined, 0) + WINDOW
        near = sorted((one for one in entered if one.nonce < limit), key=lambda one: one.nonce)
        self._send([(one.nonce, 0) for one in near], [one.signed.raw for one in near])

    # --- looking

    def _look(self, slots: Sequence[Slot], counts: Counts) -> tuple[list[Slot], set[int]]:
        """Look where transactions are; also return the nonces of which no node has any."""
        news: dict[int, Sighting | None] = {
            slot.nonce: None
            for slot in slots
            if (told := slot.sighting) and (slot.nonce >= counts.low or told.block > counts.height)
        }
        sought = [
            slot
            for slot in slots
            if slot.nonce < counts.mined and (slot.sighting is None or slot.nonce in news)
        ]
        hashes = [attempt.hash for slot in sought for attempt in slot.attempts]
        answers = iter(self._mempool.sightings(hashes))
        absent = set()
        for slot in sought:
            found = [next(answers) for _ in slot.attempts]
            seen = [one for one in found if isinstance(one, Sighting)]
            if seen:
                news[slot.nonce] = seen[0]
            elif not any(found):
                absent.add(slot.nonce)
        if news:
            self._lane.see(news.items())
        return [_seen(slot, news) for slot in slots], absent

    def _file(self, slots: Sequence[Slot]) -> list[Slot]:
        """File what is settled, and return the rest."""
        settled = self._asked(self._chain.settled)
        if settled is None:
            return list(slots)
        deep = {
            slot.nonce: slot.sighting
            for slot in slots
            if slot.sighting and slot.sighting.block <= settled.number
        }
        heights = {sighting.block for sighting in deep.values()}
        hashes = {height: self._block_hash(height) for height in sorted(heights)}
        filed, lost = [], set()
        for nonce, sighting in deep.items():
            found = hashes[sighting.block]
            if found == sighting.block_hash:
                filed.append((nonce, sighting, self._reason(nonce, sighting)))
            elif found is not None:
                lost.add(nonce)
        if lost:
            self._lane.see((nonce, None) for nonce in lost)
        if filed:
            self._lane.file(filed)
        done = {nonce for nonce, *_ in filed}
        return [_seen(slot, dict.fromkeys(lost)) for slot in slots if slot.nonce not in done]

    def _block_hash(self, height: int) -> bytes | None:
        block = self._asked(lambda: self._chain.block(height))
        return None if block is None else block.hash

    def _reason(self, nonce: int, sighting: Sighting) -> str:
        """Return why a transaction was reverted; empty where it was not, or nobody knows."""
        work = None if sighting.succeeded else self._lane.work(nonce)
        if work is None:
            return ""
        call = self._pen.call(work)
        # What refused it may stand in the same block before it.
        for height in (sighting.block - 1, sighting.block):
            if reason := self._mempool.reason(call, height):
                return reason
        return "out of gas" if sighting.gas_used >= work.gas else ""

    # --- healing

    def _give_new_nonces(self, slots: Sequence[Slot], counts: Counts) -> None:
        """Move work whose nonce somebody else has used, for good."""
        used, now = self._used(slots), self._clock()
        for nonce, note in list(self.watch.notes.items()):
            note.used = (now if note.used is None else note.used) if nonce in used else None
        sure = [
            nonce for nonce in used if now - (self.watch.note(nonce).used or now) >= _USED_SECONDS
        ]
        fees = self._asked(self._prices.fees) if sure else None
        if fees is None:
            return
        known = self._lane.bounds()[1]
        floor = counts.pending if is_credible(counts.pending, known) else 0
        for nonce in sorted(sure):
            entered = self._lane.move(nonce, floor, self._pen.signing(fees))
            if entered is not None:
                self.send([entered])

    def _used(self, slots: Sequence[Slot]) -> set[int]:
        """Return of which slots a settled block says that their nonces are used."""
        settled = self._asked(self._chain.settled) if slots else None
        if settled is None:
            return set()
        count = self._mempool.count_at(self._pen.address, settled.number)
        return {slot.nonce for slot in slots if count is not None and slot.nonce < count}

    def _fill_gaps(self, slots: Sequence[Slot], counts: Counts) -> None:
        """Use up nonces that nobody has a transaction for: all later ones wait for them.

        A nonce that was settled is missing only where a chain took back what it called settled,
        or where the nodes have fallen behind; so that is looked at for longer.
        """
        settled, free = self._lane.bounds()
        known = {slot.nonce for slot in slots}
        first = max(counts.held, counts.mined)
        last = min(free, first + WINDOW)
        gaps = [nonce for nonce in range(first, last) if nonce not in known]
        if len(gaps) > _MOST_GAPS:
            self.watch.trouble = (
                f"{len(gaps)} or more nonces before it are not used, as if a node had made up how "
                "many are; filling them would cost too much: begin a new outbox"
            )
            return
        now = self._clock()
        self.watch.gaps = {nonce: self.watch.gaps.get(nonce, now) for nonce in gaps[:_GAPS_AT_ONCE]}
        for nonce, since in self.watch.gaps.items():
            patience = _LOST_SECONDS if nonce < settled else _GAP_SECONDS
            fees = self._asked(self._prices.fees) if now - since >= patience else None
            if fees is None:
                continue
            signed = self._pen.filler(nonce, fees)
            if self._lane.fill(nonce, signed, fees):
                self.send([Entered(nonce, signed)])

    def _resend(self, waiting: Sequence[Slot], counts: Counts) -> None:
        """Send again what a node may have lost, the same bytes."""
        now = self._clock()
        due = [
            (slot.nonce, slot.attempts[-1].number)
            for slot in waiting
            if slot.nonce < counts.mined + WINDOW
            and _is_due(self.watch.note(slot.nonce), now, lost=slot.nonce >= counts.held)
        ][:_RESENT_AT_ONCE]
        if due:
            found = self._lane.raw(due)
            if len(found) == len(due):
                self._send(due, found)

    def _outbid(self, waiting: Sequence[Slot], counts: Counts) -> None:
        """Offer more for what is stuck; give up what every node refuses."""
        now = self._clock()
        for slot in waiting[:_OUTBID_AT_ONCE]:
            note = self.watch.note(slot.nonce)
            last = slot.attempts[-1]
            first = slot is waiting[0]
            given_up = (
                first
                and not last.filler
                and note.refused is not None
                and now - note.refused >= _REFUSED_SECONDS
            )
            if given_up:
                self._replace(slot, last.fees, reason=note.words)
            elif self._is_stuck(note, now, counts) or self._is_too_poor(note, now, last.fees):
                better = self._better(last.fees)
                if better is not None:
                    self._replace(slot, better)

    def _is_stuck(self, note: Note, now: float, counts: Counts) -> bool:
        since = max(self.watch.moved, note.waiting if note.waiting is not None else now)
        blocks = counts.height - self.watch.height
        return now - since >= _STUCK_SECONDS and blocks >= _STUCK_BLOCKS

    def _is_too_poor(self, note: Note, now: float, fees: Fees) -> bool:
        """Tell whether no block takes a transaction at present, for its price."""
        if note.waiting is None or (now - note.waiting < _POOR_SECONDS and not note.underpriced):
            return False
        quote = self._asked(self._prices.quote)
        return quote is not None and fees.price < (quote.base or quote.price)

    def _better(self, fees: Fees) -> Fees | None:
        quote = self._asked(self._prices.quote)
        better = None if quote is None else self._prices.policy.better(fees, quote)
        if quote is not None and better is None and fees.price:
            self.watch.trouble = "it is stuck, and more than the cap would have to be paid"
        return better

    def _replace(self, slot: Slot, fees: Fees, reason: str = "") -> None:
        last = slot.attempts[-1]
        work = None if reason or last.filler else self._lane.work(slot.nonce)
        signed = (
            self._pen.filler(slot.nonce, fees)
            if work is None
            else self._pen.sign(slot.nonce, work, fees)
        )
        attempt = Attempt(last.number + 1, signed.hash, fees, filler=work is None)
        if self._lane.try_again(slot.nonce, attempt, signed, reason):
            self._send([(slot.nonce, attempt.number)], [signed.raw])

    # --- asking

    def _send(self, names: Sequence[tuple[int, int]], raw: Sequence[bytes]) -> None:
        if not raw:
            return
        receptions = self._mempool.send(raw)
        now = self._clock()
        for (nonce, number), (reception, words) in zip(names, receptions, strict=True):
            self.watch.note(nonce).receive(number, reception, words, now)
            if reception is not Reception.SENT and words:
                self.watch.trouble = words

    def _asked(self, question: Callable[[], T]) -> T | None:
        """Return what the chain says; None where it does not say it now."""
        try:
            return question()
        except RegistryError as error:
            self.watch.trouble = str(error)
            return None


def _seen(slot: Slot, news: Mapping[int, Sighting | None]) -> Slot:
    return replace(slot, sighting=news[slot.nonce]) if slot.nonce in news else slot


def _in_line(waiting: Sequence[Slot], nonce: int) -> list[Slot]:
    """Return the slots from a nonce on without a gap: what waits behind one, no price helps."""
    line: list[Slot] = []
    for slot in waiting:
        if slot.nonce == nonce + len(line):
            line.append(slot)
    return line


def _is_due(note: Note, now: float, *, lost: bool) -> bool:
    if note.sent is None:
        return True
    return now - note.sent >= (_AGAIN_SECONDS if lost else _ANYWAY_SECONDS)
