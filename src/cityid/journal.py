"""The usage journal: who asked a holder for what, and when; without what was answered.

The entries are a chain: each holds the digest of the one before, so that none can be changed or
taken out in the middle of an exported journal without its last digest changing. The file is sealed
like the wallet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from cityid import strict_json, timestamp
from cityid.canonical import jcs
from cityid.credential import Credential, Presentation
from cityid.errors import CityIdError, Code, CorruptError, InvalidInputError, UnsupportedError
from cityid.keys.base import Secret
from cityid.keys.sealed import COST, Cost, locked, read_sealed, write_sealed
from cityid.pointer import join
from cityid.strict_json import JSONObject, Limits

_FORMAT: Final = "cityid usage journal v1"
_FIRST: Final = "0" * 64
_LIMITS: Final = Limits(max_bytes=64 << 20)
MOST_ENTRIES: Final = 100_000
"""How many entries a journal may have; export it and begin another one."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One presentation that was made.

    Attributes:
        number: Its place in the journal, from 1.
        at: When it was made.
        domain: For whom.
        holder: The DID that presented.
        credentials: What was presented: per credential its ``types`` and the ``claims`` by name.
        before: The digest of the entry before, in hexadecimal.
    """

    number: int
    at: str
    domain: str
    holder: str
    credentials: tuple[JSONObject, ...]
    before: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the entry's canonical JSON, in hexadecimal."""
        return hashlib.sha256(jcs.canonicalize(self.to_dict())).hexdigest()

    def to_dict(self) -> JSONObject:
        """Return the entry as JSON."""
        return {
            "number": self.number,
            "at": self.at,
            "domain": self.domain,
            "holder": self.holder,
            "credentials": list(self.credentials),
            "before": self.before,
        }


class Journal:
    """The usage journal of one holder, in one encrypted file."""

    __slots__ = ("_cost", "_entries", "_passphrase", "_path")

    def __init__(
        self,
        path: Path,
        passphrase: Secret[bytes | str],
        cost: Cost,
        entries: tuple[Usage, ...],
    ) -> None:
        self._path = path
        self._passphrase = passphrase
        self._cost = cost
        self._entries = entries

    @classmethod
    def create(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> Journal:
        """Make an empty journal.

        Args:
            path: The file, not there yet, in a folder that is.
            passphrase: What opens it; the wallet's, for instance.
            cost: What guessing the passphrase shall cost.

        Raises:
            InvalidInputError: There is a file already, or the passphrase is empty.
            RegistryError: The file cannot be written.
        """
        journal = cls(Path(path), Secret(passphrase), cost, ())
        del passphrase
        with locked(journal._path):
            journal._write((), new=True)
        return journal

    @classmethod
    def open(cls, path: str | Path, passphrase: bytes | str, *, cost: Cost = COST) -> Journal:
        """Open a journal.

        Args:
            path: The file.
            passphrase: What it was made with.
            cost: What guessing the passphrase shall cost once an entry is written.

        Raises:
            NotFoundError: There is no such file.
            InvalidInputError: Others may read it, or the passphrase is another one.
            CorruptError: It is damaged, or no journal.
        """
        secret: Secret[bytes | str] = Secret(passphrase)
        del passphrase
        return cls(Path(path), secret, cost, _read(Path(path), secret))

    def __repr__(self) -> str:
        return f"<Journal {str(self._path)!r} of {len(self._entries)} entries>"

    def __reduce__(self) -> NoReturn:
        raise UnsupportedError("a journal can be neither copied nor pickled", name="pickle")

    def _repr_html_(self) -> str:
        from cityid import display

        rows = [(each.number, each.at, each.domain, _told(each)) for each in self._entries]
        table = display.rows_table(("number", "at", "shown to", "claims"), rows)
        return display.card("Usage journal", [("file", str(self._path))], body=table)

    def note(self, shown: Presentation, *, domain: str, at: datetime | None = None) -> Usage:
        """Write down that a presentation is made; it is on disk before this returns.

        Args:
            shown: The presentation.
            domain: For whom it is made.
            at: When; now by default.

        Raises:
            InvalidInputError: The journal is full.
            RegistryError: It cannot be written, or another writer holds it.
        """
        moment = timestamp.write(at if at is not None else datetime.now(UTC))
        with locked(self._path):
            entries = _read(self._path, self._passphrase)
            if len(entries) >= MOST_ENTRIES:
                raise InvalidInputError(
                    "the journal is full; export it and begin another one",
                    code=Code.INPUT_TOO_LARGE,
                )
            credentials = tuple(map(_shown, shown.credentials))
            before = entries[-1].digest if entries else _FIRST
            number = len(entries) + 1
            entry = Usage(number, moment, domain, shown.holder or "", credentials, before)
            self._write((*entries, entry), new=False)
        return entry

    def entries(self) -> tuple[Usage, ...]:
        """Return every entry, the oldest first."""
        return self._entries

    def export(self) -> str:
        """Return the journal as JSON that `read_export` checks; whoever has it can read it."""
        return _packed(self._entries)

    def _write(self, entries: tuple[Usage, ...], *, new: bool) -> None:
        write_sealed(
            self._path,
            _packed(entries).encode(),
            self._passphrase.reveal(),
            new=new,
            cost=self._cost,
        )
        self._entries = entries


def read_export(exported: str | bytes, *, last: str | None = None) -> tuple[Usage, ...]:
    """Return the entries of an exported journal, after a look at its chain.

    Args:
        exported: What `Journal.export` returned.
        last: The digest that the last entry must have, where somebody kept it: without it, an end
            that was cut off, and a journal that was written anew as a whole, do not show.

    Raises:
        CorruptError: It is no journal, or its chain is broken.
    """
    place = "journal"
    try:
        found = strict_json.parse_object(exported, limits=_LIMITS)
        if found["format"] != _FORMAT:
            raise CorruptError("this is no usage journal", place=place)
        entries = tuple(map(_entry, found["entries"]))
    except (InvalidInputError, KeyError, TypeError) as error:
        raise CorruptError("this is no usage journal", place=place) from error
    before = _FIRST
    for number, entry in enumerate(entries, start=1):
        if (entry.number, entry.before) != (number, before):
            raise CorruptError(f"the chain is broken at entry {number}", place=place)
        before = entry.digest
    if last is not None and before != last:
        raise CorruptError("the journal does not end with the entry that was told", place=place)
    return entries


def _entry(row: JSONObject) -> Usage:
    entry = Usage(
        row["number"],
        row["at"],
        row["domain"],
        row["holder"],
        tuple(row["credentials"]),
        row["before"],
    )
    if entry.to_dict() != row:
        raise TypeError
    return entry


def _packed(entries: Sequence[Usage]) -> str:
    rows = [entry.to_dict() for entry in entries]
    return strict_json.write({"format": _FORMAT, "entries": rows})


def _read(path: Path, passphrase: Secret[bytes | str]) -> tuple[Usage, ...]:
    content = read_sealed(path, passphrase.reveal())
    try:
        return read_export(content)
    except CityIdError as error:
        raise CorruptError(f"{path} is a sealed file, but no journal", place=str(path)) from error


def _shown(credential: Credential) -> JSONObject:
    """Return what of a credential was shown, by name: no value, and no id that names a person."""
    names: dict[str, None] = {}
    for subject in credential.subjects:
        names.update(dict.fromkeys(_names(subject, "/credentialSubject")))
    return {"types": list(credential.types), "claims": list(names)}


def _names(subject: Any, path: str) -> Iterable[str]:
    return (join(path, name) for name in subject if name not in {"id", "type"})


def _told(entry: Usage) -> str:
    names = (name for shown in entry.credentials for name in shown["claims"])
    return ", ".join(name.rpartition("/")[2] for name in names)
