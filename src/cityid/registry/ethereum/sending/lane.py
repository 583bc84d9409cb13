"""One lane of an outbox: which nonce is for which work, and what was signed and seen for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from itertools import groupby
from typing import Any, Final

from cityid.errors import Code, InvalidInputError, NotFoundError, quote
from cityid.registry.ethereum.hashing import keccak256
from cityid.registry.ethereum.sending.outbox import Outbox
from cityid.registry.ethereum.sending.slots import (
    Attempt,
    Entered,
    Fate,
    Outcome,
    Sighting,
    Signing,
    Slot,
    Work,
    ended,
)
from cityid.registry.ethereum.sending.transactions import Fees, SignedTransaction, created_address

_REMEMBERED: Final = 100_000
"""How many pieces of settled work an outbox remembers, so that none is done twice."""


class Lane:
    """The slots of one address on one chain.

    Args:
        outbox: Where they are kept.
        chain_id: The chain.
        address: The address, 20 bytes.
    """

    def __init__(self, outbox: Outbox, chain_id: int, address: bytes) -> None:
        self._outbox = outbox
        self._address = address
        with outbox.transaction(write=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO lane (chain, address, next, settled) VALUES (?, ?, 0, 0)",
                (chain_id, address),
            )
            self._lane: int = connection.execute(
                "SELECT id FROM lane WHERE chain = ? AND address = ?", (chain_id, address)
            ).fetchone()[0]

    def bounds(self) -> tuple[int, int]:
        """Return below which nonce all are settled as far as known, and the next free nonce."""
        with self._outbox.transaction() as connection:
            return self._bounds(connection)

    def enter(
        self, groups: Sequence[Sequence[Work]], floor: int, sign: Signing
    ) -> list[tuple[Entered, ...] | InvalidInputError]:
        """Give work its nonces, and keep it with its signed transactions.

        Args:
            groups: The work of several callers; of each, all or nothing is taken.
            floor: The least nonce that is free on the chain.
            sign: Signs a transaction.

        Returns:
            For each group what is new of it, or why it was not taken.
        """
        results: list[tuple[Entered, ...] | InvalidInputError] = []
        with self._outbox.transaction(write=True) as connection:
            nonce = max(self._bounds(connection)[1], floor)
            for group in groups:
                refusal = self._refusal(connection, group)
                if refusal is not None:
                    results.append(refusal)
                    continue
                entered = []
                for work in group:
                    row = self._open_work(connection, work)
                    if row is not None:
                        entered.append(self._occupy(connection, nonce, row, work, sign))
                        nonce += 1
                results.append(tuple(entered))
            self._advance(connection, next_=nonce)
        return results

    def slots(self) -> list[Slot]:
        """Return the slots, by their nonces."""
        with self._outbox.transaction() as connection:
            rows = connection.execute(
                "SELECT nonce, number, attempt.hash, price, tip, filler, sighting.hash, block,"
                " block_hash, succeeded, gas_used FROM attempt LEFT JOIN sighting"
                " USING (lane, nonce) WHERE lane = ? ORDER BY nonce, number",
                (self._lane,),
            ).fetchall()
        return [
            self._slot(nonce, list(group)) for nonce, group in groupby(rows, lambda row: row[0])
        ]

    def raw(self, attempts: Iterable[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of signed transactions.

        Args:
            attempts: Nonce and number of each; those that are settled meanwhile are left out.

        Raises:
            CorruptError: One is not what was signed.
        """
        found = []
        with self._outbox.transaction() as connection:
            for nonce, number in attempts:
                row = connection.execute(
                    "SELECT raw, hash FROM attempt WHERE lane = ? AND nonce = ? AND number = ?",
                    (self._lane, nonce, number),
                ).fetchone()
                if row is not None:
                    found.append(row)
        for raw, expected in found:
            if keccak256(raw) != expected:
                raise self._outbox.damaged("a signed transaction in it is another one")
        return [raw for raw, _ in found]

    def outcome(self, key: bytes) -> Outcome | None:
        """Return what became of work; None while it is under way.

        Raises:
            NotFoundError: There is no work of this key.
        """
        with self._outbox.transaction() as connection:
            row = connection.execute(
                "SELECT fate, reason, hash, block, block_hash, gas_used, contract FROM work"
                " WHERE lane = ? AND key = ?",
                (self._lane, key),
            ).fetchone()
        if row is None:
            raise NotFoundError(f"the outbox knows no work of the key {quote(key)}", ref=quote(key))
        fate, reason, transaction, block, block_hash, gas_used, contract = row
        if fate is None:
            return None
        sighting = transaction and Sighting(
            transaction, block, block_hash, fate == Fate.DONE, gas_used
        )
        return Outcome(Fate(fate), reason, sighting, contract)

    def knows(self, key: bytes) -> bool:
        """Return whether work of this key is under way or done, so that it is not done again."""
        with self._outbox.transaction() as connection:
            row = connection.execute(
                "SELECT fate FROM work WHERE lane = ? AND key = ?", (self._lane, key)
            ).fetchone()
        return row is not None and row[0] in {None, Fate.DONE}

    def work(self, nonce: int) -> Work | None:
        """Return what a slot is for; None where it is settled meanwhile, or for a filler alone.

        Raises:
            CorruptError: It is not what was asked for.
        """
        with self._outbox.transaction() as connection:
            return self._work(connection, nonce)

    def try_again(
        self, nonce: int, attempt: Attempt, signed: SignedTransaction, reason: str = ""
    ) -> bool:
        """Keep a further attempt for a slot, unless somebody else did so first.

        Args:
            nonce: The slot.
            attempt: What is tried; its number is the next one.
            signed: The transaction.
            reason: Why the work is given up, with its first filler.

        Returns:
            Whether it is kept, and may be sent.
        """
        with self._outbox.transaction(write=True) as connection:
            last = connection.execute(
                "SELECT max(number) FROM attempt WHERE lane = ? AND nonce = ?", (self._lane, nonce)
            ).fetchone()[0]
            if last != attempt.number - 1:
                return False
            self._keep(connection, nonce, attempt, signed)
            if reason:
                connection.execute(
                    "UPDATE slot SET reason = ? WHERE lane = ? AND nonce = ?",
                    (reason, self._lane, nonce),
                )
        return True

    def fill(self, nonce: int, signed: SignedTransaction, fees: Fees) -> bool:
        """Keep a filler for a nonce that no slot has, unless somebody else did so first.

        Args:
            nonce: The nonce.
            signed: The transaction.
            fees: What it pays.

        Returns:
            Whether it is kept, and may be sent.
        """
        with self._outbox.transaction(write=True) as connection:
            row = connection.execute(
                "INSERT OR IGNORE INTO slot VALUES (?, ?, NULL, NULL, x'', 0, '') RETURNING nonce",
                (self._lane, nonce),
            ).fetchone()
            if row is None:
                return False
            self._keep(connection, nonce, Attempt(0, signed.hash, fees, filler=True), signed)
        return True

    def see(self, sightings: Iterable[tuple[int, Sighting | None]]) -> None:
        """Note where the attempts of slots were seen, or that they are seen no more.

        Args:
            sightings: A nonce and what was seen, for each slot.
        """
        with self._outbox.transaction(write=True) as connection:
            for nonce, seen in sightings:
                connection.execute(
                    "DELETE FROM sighting WHERE lane = ? AND nonce = ?", (self._lane, nonce)
                )
                if seen is not None:
                    connection.execute(
                        "INSERT INTO sighting SELECT ?, ?, ?, ?, ?, ?, ? WHERE EXISTS"
                        " (SELECT 1 FROM slot WHERE lane = ? AND nonce = ?)",
                        (self._lane, nonce, *astuple(seen), self._lane, nonce),
                    )

    def file(self, settled: Iterable[tuple[int, Sighting, str]]) -> None:
        """File work whose transaction is settled, and free its slot.

        Args:
            settled: The nonce, where the transaction is, and why it was reverted, for each.
        """
        with self._outbox.transaction(write=True) as connection:
            for nonce, sighting, reason in settled:
                row = connection.execute(
                    "SELECT work, target, filler, slot.reason FROM slot JOIN attempt"
                    " USING (lane, nonce) WHERE lane = ? AND nonce = ? AND hash = ?",
                    (self._lane, nonce, sighting.transaction),
                ).fetchone()
                if row is None:
                    continue  # another process was faster
                work, target, filler, refusal = row
                if work is not None:
                    contract = created_address(self._address, nonce) if target is None else None
                    outcome = ended(sighting, reason, contract, refusal if filler else None)
                    self._end(connection, work, outcome)
                self._free(connection, nonce)
            self._forget(connection)

    def move(self, nonce: int, floor: int, sign: Signing) -> Entered | None:
        """Give work another nonce, because somebody else used its own.

        Args:
            nonce: The nonce that is used.
            floor: The least nonce that is free on the chain.
            sign: Signs a transaction.

        Returns:
            The new transaction; None where there is nothing to do any more.
        """
        with self._outbox.transaction(write=True) as connection:
            work = self._work(connection, nonce)
            row = connection.execute(
                "SELECT work, reason FROM slot WHERE lane = ? AND nonce = ?", (self._lane, nonce)
            ).fetchone()
            if row is not None:
                self._free(connection, nonce)
            if work is None:
                return None
            if row[1]:
                self._end(connection, row[0], Outcome(Fate.REFUSED, row[1], None, None))
                return None
            new = max(self._bounds(connection)[1], floor)
            entered = self._occupy(connection, new, row[0], work, sign)
            self._advance(connection, next_=new + 1)
        return entered

    # --- within a transaction

    def _bounds(self, connection: sqlite3.Connection) -> tuple[int, int]:
        row: tuple[int, int] = connection.execute(
            "SELECT settled, next FROM lane WHERE id = ?", (self._lane,)
        ).fetchone()
        return row

    def _advance(self, connection: sqlite3.Connection, *, next_: int = 0, settled: int = 0) -> None:
        connection.execute(
            "UPDATE lane SET next = max(next, ?), settled = max(settled, ?) WHERE id = ?",
            (next_, settled, self._lane),
        )

    def _refusal(
        self, connection: sqlite3.Connection, group: Sequence[Work]
    ) -> InvalidInputError | None:
        seen: dict[bytes, bytes] = {}
        for work in group:
            row = connection.execute(
                "SELECT content FROM work WHERE lane = ? AND key = ?", (self._lane, work.key)
            ).fetchone()
            known = row[0] if row else seen.setdefault(work.key, work.content)
            if known != work.content:
                return InvalidInputError(
                    f"the key {quote(work.key)} was used for other work before; take another key",
                    code=Code.INVALID_OPTIONS,
                )
        return None

    def _open_work(self, connection: sqlite3.Connection, work: Work) -> int | None:
        """Return the row of work that needs a nonce; None where it is under way or done."""
        row = connection.execute(
            "SELECT id, fate FROM work WHERE lane = ? AND key = ?", (self._lane, work.key)
        ).fetchone()
        if row is not None and row[1] in {None, Fate.DONE}:
            return None
        if row is not None:  # it failed, and is tried anew
            connection.execute("DELETE FROM work WHERE id = ?", (row[0],))
        return connection.execute(
            "INSERT INTO work (lane, key, content, reason) VALUES (?, ?, ?, '')",
            (self._lane, work.key, work.content),
        ).lastrowid

    def _occupy(
        self, connection: sqlite3.Connection, nonce: int, row: int, work: Work, sign: Signing
    ) -> Entered:
        signed, fees = sign(nonce, work)
        connection.execute(
            "INSERT INTO slot VALUES (?, ?, ?, ?, ?, ?, '')",
            (self._lane, nonce, row, work.to, work.data, work.gas),
        )
        self._keep(connection, nonce, Attempt(0, signed.hash, fees), signed)
        return Entered(nonce, signed)

    def _keep(
        self,
        connection: sqlite3.Connection,
        nonce: int,
        attempt: Attempt,
        signed: SignedTransaction,
    ) -> None:
        price, tip = astuple(attempt.fees)
        row = (attempt.number, signed.hash, signed.raw, price, tip, attempt.filler)
        connection.execute(
            "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (self._lane, nonce, *row)
        )

    def _work(self, connection: sqlite3.Connection, nonce: int) -> Work | None:
        row = connection.execute(
            "SELECT key, target, data, gas, content FROM slot JOIN work ON slot.work = work.id"
            " WHERE slot.lane = ? AND nonce = ?",
            (self._lane, nonce),
        ).fetchone()
        if row is None:
            return None
        work = Work(*row[:4])
        if work.content != row[4]:
            raise self._outbox.damaged("work in it is not what was asked for")
        return work

    def _end(self, connection: sqlite3.Connection, work: int, outcome: Outcome) -> None:
        seen = outcome.sighting
        where = (
            (seen.transaction, seen.block, seen.block_hash, seen.gas_used) if seen else (None,) * 4
        )
        connection.execute(
            "UPDATE work SET fate = ?, reason = ?, hash = ?, block = ?, block_hash = ?,"
            " gas_used = ?, contract = ? WHERE id = ?",
            (outcome.fate, outcome.reason, *where, outcome.contract, work),
        )

    def _free(self, connection: sqlite3.Connection, nonce: int) -> None:
        for table in ("sighting", "attempt", "slot"):
            connection.execute(
                f"DELETE FROM {table} WHERE lane = ? AND nonce = ?",  # noqa: S608 - a literal above
                (self._lane, nonce),
            )
        self._advance(connection, settled=nonce + 1)

    def _forget(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM work WHERE lane = ? AND fate IS NOT NULL AND id <="
            " (SELECT max(id) FROM work) - ?",
            (self._lane, _REMEMBERED),
        )

    def _slot(self, nonce: int, rows: list[Any]) -> Slot:
        try:
            attempts = tuple(
                Attempt(number, hash_, Fees(price, tip), bool(filler))
                for _, number, hash_, price, tip, filler, *_ in rows
            )
        except InvalidInputError as error:
            raise self._outbox.damaged("the fees of a transaction in it are none") from error
        hash_, block, block_hash, succeeded, gas_used = rows[0][6:]
        seen = hash_ and Sighting(hash_, block, block_hash, bool(succeeded), gas_used)
        return Slot(nonce, attempts, seen)
