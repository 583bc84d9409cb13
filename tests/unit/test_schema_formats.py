from __future__ import annotations

import pytest

from cityid.schema import formats

GOOD = {
    "date": ["2026-11-21", "2024-02-29"],
    "date-time": ["2026-11-21T09:00:00Z", "2026-11-21T09:00:00.5+01:00"],
    "email": ["alice@city.example", "a.b+c@localhost"],
    "ipv4": ["192.0.2.1"],
    "ipv6": ["2001:db8::1"],
    "uri": ["https://city.example/a?b=c#d", "did:key:z6Mk", "urn:uuid:1", "https://x.example/%20"],
    "uuid": ["7C1F6A52-9d2e-4b1f-8a3e-2f5d1b6e4c90"],
}
BAD = {
    "date": ["2026-11-31", "2025-02-29", "20261121", "2026-W47-6", "2026-11-21Z", "٢٠٢٦-11-21", ""],
    "date-time": ["2026-11-21", "2026-11-21T09:00:00", "2026-11-21 09:00:00Z", "now", ""],
    "email": ["alice", "@city.example", "a@", "a@b@c", "a b@c", "a@city.example\n"],
    "ipv4": ["192.0.2", "192.0.2.256", "2001:db8::1"],
    "ipv6": ["192.0.2.1", "2001:db8::g"],
    "uri": ["city.example", "/path", "https:", "https://a b", "https://x/%2", "https://x\n", ""],
    "uuid": ["7c1f6a52", "7c1f6a52-9d2e-4b1f-8a3e-2f5d1b6e4c9g"],
}


@pytest.mark.parametrize(("name", "text"), [(n, text) for n in GOOD for text in GOOD[n]])
def test_holds(name, text):
    assert formats.holds(name, text)


@pytest.mark.parametrize(("name", "text"), [(n, text) for n in BAD for text in BAD[n]])
def test_does_not_hold(name, text):
    assert not formats.holds(name, text)


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize("value", [7, None, [], {}, True])
def test_what_is_no_text_has_every_format(name, value):
    assert formats.holds(name, value)


def test_every_format_is_tested():
    assert GOOD.keys() == BAD.keys() == formats.FORMATS.keys()
