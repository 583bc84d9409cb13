"""Calls of the contract read back: what a transaction that waits in an outbox is to append."""

from __future__ import annotations

from typing import Final

from cityid.registry.ethereum.contract.layout import Entry, append_call

_WORD: Final = 32
_SELECTOR: Final = 4
_ONE: Final = append_call([Entry(bytes(_WORD), 1, b"")])[:_SELECTOR]
_MANY: Final = append_call([Entry(bytes(_WORD), 1, b""), Entry(bytes(_WORD), 2, b"")])[:_SELECTOR]
_MORE: Final = 1 << 15


def read_append_call(call: bytes) -> tuple[Entry, ...]:
    """Return the entries that a call appends; none where it does something else.

    Args:
        call: What `append_call` has written, or any other call of a contract.
    """
    words = call[_SELECTOR:]
    if call[:_SELECTOR] == _ONE:
        number = int.from_bytes(words[_WORD : 2 * _WORD], "big")
        size = int.from_bytes(words[3 * _WORD : 4 * _WORD], "big")
        return (Entry(words[:_WORD], number, words[4 * _WORD :][:size]),)
    if call[:_SELECTOR] != _MANY:
        return ()
    offset, entries = int.from_bytes(words[:_WORD], "big"), list[Entry]()
    while offset < len(call):
        log, version = call[offset : offset + 32], call[offset + 32 : offset + 36]
        offset += 36
        content, more = b"", _MORE
        while more:
            size = int.from_bytes(call[offset : offset + 2], "big")
            more, size = size & _MORE, size & ~_MORE
            content += call[offset + 2 : offset + 2 + size]
            offset += 2 + size
        entries.append(Entry(log, int.from_bytes(version, "big"), content))
    return tuple(entries)
