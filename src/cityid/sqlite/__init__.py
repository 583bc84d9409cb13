"""SQLite as a place that keeps its word: files of a known kind, transactions, named errors.

Every store of cityid that lives in an SQLite file stands on this module::

    ROLL = Kind(noun="roll", application=b"cidR", format=1, tables=("CREATE TABLE …",), remedy="…")
    database = Database.open(path, ROLL, timeout=10.0)  # made whole where there is none
    with database.transaction(write=True) as connection:
        connection.execute("INSERT …")                  # durable once the block is left

A file that is damaged, of another kind or of another format is refused and left as it is. No
exception of SQLite comes out. Threads and processes may share a file, also across a fork:
SQLite's locks belong to a process, hence the file is never opened past SQLite (closing it would
drop the locks of every connection), and a forked child gives up what it inherited.

Spec:
    https://www.sqlite.org/howtocorrupt.html, https://www.sqlite.org/wal.html
"""

from cityid.sqlite.connection import Kind
from cityid.sqlite.creation import resolve
from cityid.sqlite.database import Database
from cityid.sqlite.memory import MemoryDatabase

__all__ = ["Database", "Kind", "MemoryDatabase", "resolve"]
