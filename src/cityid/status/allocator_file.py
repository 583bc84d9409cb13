"""An allocator in a file that several processes share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cityid.sqlite import Database, Kind
from cityid.status.allocation import KEY_BYTES, Reserving, check_same, unknown_list

_PATIENCE_SECONDS = 30.0
_TABLES = (
    """CREATE TABLE list (
        url TEXT PRIMARY KEY,
        length INTEGER NOT NULL,
        taken INTEGER NOT NULL CHECK (taken BETWEEN 0 AND length),
        key BLOB NOT NULL
    ) STRICT, WITHOUT ROWID""",
)
_ALLOCATOR = Kind(
    noun="allocator",
    application=b"cidA",
    format=1,
    tables=_TABLES,
    remedy="an older copy would give out places twice, so publish a new list",
    private=True,
)


class FileAllocator(Reserving):
    """An allocator that several processes share; a place is taken on disk before it is given out.

    The file is the issuer's secret: with it, places could be told by age. Losing it loses no
    list, but no further place can be given out; an older copy would give out places twice.

    Args:
        path: The file; only its owner may read it. SQLite keeps two more beside it while it is
            open. It is made where there is none.
        block: How many places are taken at once; those that are not given out are lost when the
            process ends. More than one makes it faster to issue many credentials.
        random: Where keys come from; another source is for tests.

    Raises:
        InvalidInputError: Others may read the file, or the block is no positive number.
        UnsupportedError: A later version of cityid wrote it.
        CorruptError: The file is damaged, or no allocator.
        RegistryError: The file cannot be read or made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        block: int = 1,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(block=block)
        self._random = random
        self._database = Database.open(path, _ALLOCATOR, timeout=_PATIENCE_SECONDS)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    def register(self, url: str, length: int) -> None:
        """Take a list into care; see `Allocator.register`.

        Args:
            url: The list's URL.
            length: How many places it has.

        Raises:
            InvalidInputError: It is in care with another length.
            RegistryError: The state cannot be written.
        """
        with self._database.transaction(write=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO list VALUES (?, ?, 0, ?)",
                (url, length, self._random(KEY_BYTES)),
            )
            found = connection.execute("SELECT length FROM list WHERE url = ?", (url,)).fetchone()
        check_same(url, found[0], length)

    def taken(self, url: str) -> int:
        """Return how many places were taken.

        Args:
            url: The list's URL.

        Raises:
            NotFoundError: The list is not in care here.
            RegistryError: The state cannot be read.
        """
        with self._database.transaction() as connection:
            row = connection.execute("SELECT taken FROM list WHERE url = ?", (url,)).fetchone()
        if row is None:
            raise unknown_list(url)
        return int(row[0])

    def close(self) -> None:
        """Give the file back; nothing can be allocated afterwards."""
        self._database.close()

    def _reserve(self, url: str, count: int) -> tuple[range, int, bytes]:
        with self._database.transaction(write=True) as connection:
            row = connection.execute(
                "SELECT taken, length, key FROM list WHERE url = ?", (url,)
            ).fetchone()
            if row is not None:
                taken, length, key = row
                end = min(taken + count, length)
                connection.execute("UPDATE list SET taken = ? WHERE url = ?", (end, url))
        if row is None:
            raise unknown_list(url)
        return range(taken, end), length, key

    def _check_process(self) -> None:
        """Leave a block that was taken before a fork to the parent."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._reserved.clear()
