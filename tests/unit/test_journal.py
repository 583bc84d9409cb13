"""The usage journal: who asked for what and when, in an order that cannot be changed unseen."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

import cityid
import town
from cityid import journal as journals
from cityid.errors import CorruptError, InvalidInputError, NotFoundError, UnsupportedError
from cityid.journal import Journal, read_export
from cityid.keys.sealed import Cost, write_sealed

PHRASE = "correct horse battery staple"
CHEAP = Cost(1, 2**13)


@pytest.fixture
def journal(tmp_path):
    return Journal.create(tmp_path / "journal", PHRASE, cost=CHEAP)


def present(journal, *, domain=town.DOMAIN, at=town.NOW, **claims):
    document = town.unsigned(town.alice(), **claims)
    credential = cityid.issue(document, by=town.office(), at=town.NOW)
    return cityid.present(
        [credential],
        by=town.alice(),
        challenge=town.CHALLENGE,
        domain=domain,
        journal=journal,
        at=at,
    )


def test_presenting_is_noted_without_values(journal):
    present(journal, nickname="Ally")
    present(journal, domain="vote.city.example", at=town.NOW + timedelta(hours=1))
    first, second = journal.entries()
    assert (first.number, first.at, first.domain) == (1, "2027-03-14T09:00:00Z", town.DOMAIN)
    assert first.holder == str(town.alice().did)
    assert first.credentials[0]["claims"] == [
        "/credentialSubject/alumniOf",
        "/credentialSubject/nickname",
    ]
    assert second.before == first.digest
    assert "Ally" not in journal.export()
    assert "School of Examples" not in journal.export()


def test_journal_is_sealed_and_opens_again(journal, tmp_path):
    present(journal)
    assert town.DOMAIN.encode() not in (tmp_path / "journal").read_bytes()
    again = Journal.open(tmp_path / "journal", PHRASE, cost=CHEAP)
    assert again.entries() == journal.entries()
    with pytest.raises(InvalidInputError):
        Journal.open(tmp_path / "journal", "another", cost=CHEAP)
    with pytest.raises(NotFoundError):
        Journal.open(tmp_path / "none", PHRASE)
    with pytest.raises(InvalidInputError):
        Journal.create(tmp_path / "journal", PHRASE, cost=CHEAP)


def test_writers_at_once_make_one_chain(journal, tmp_path):
    handles = [Journal.open(tmp_path / "journal", PHRASE, cost=CHEAP) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(present, handles))
    again = Journal.open(tmp_path / "journal", PHRASE, cost=CHEAP)
    assert [entry.number for entry in again.entries()] == [1, 2, 3]
    assert read_export(again.export()) == again.entries()
    assert journal.entries() == ()


@pytest.fixture
def exported(journal):
    for hour in range(3):
        present(journal, at=town.NOW + timedelta(hours=hour))
    return json.loads(journal.export())


def test_export_is_checked(exported):
    text = json.dumps(exported)
    entries = read_export(text)
    assert read_export(text, last=entries[-1].digest) == entries
    assert read_export(json.dumps(exported | {"entries": []})) == ()


def changed(exported, edit):
    document = copy.deepcopy(exported)
    edit(document["entries"])
    return json.dumps(document)


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows.pop(0),
        lambda rows: rows.pop(1),
        lambda rows: rows.reverse(),
        lambda rows: rows[0].update(domain="evil.example"),
        lambda rows: rows[1].update(number=7),
    ],
    ids=["first gone", "middle gone", "turned round", "another domain", "another number"],
)
def test_changed_chain_is_found(exported, edit):
    with pytest.raises(CorruptError, match="chain"):
        read_export(changed(exported, edit))


def test_end_that_was_cut_off_is_found_by_who_kept_the_last_digest(exported):
    last = read_export(json.dumps(exported))[-1].digest
    short = changed(exported, lambda rows: rows.pop())
    assert len(read_export(short)) == 2
    with pytest.raises(CorruptError, match="does not end"):
        read_export(short, last=last)


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        '{"format": "other"}',
        '{"format": "cityid usage journal v1", "entries": 7}',
        '{"format": "cityid usage journal v1", "entries": [{"number": 1}]}',
    ],
)
def test_what_is_no_journal_is_refused(text):
    with pytest.raises(CorruptError):
        read_export(text)


def test_further_members_are_refused(exported):
    with pytest.raises(CorruptError):
        read_export(changed(exported, lambda rows: rows[2].update(more=1)))


def test_another_sealed_file_is_no_journal(tmp_path):
    write_sealed(tmp_path / "other", b"{}", PHRASE, new=True, cost=CHEAP)
    with pytest.raises(CorruptError):
        Journal.open(tmp_path / "other", PHRASE)


def test_full_journal_takes_no_more(journal, monkeypatch):
    monkeypatch.setattr(journals, "MOST_ENTRIES", 1)
    present(journal)
    with pytest.raises(InvalidInputError, match="full"):
        present(journal)
    assert len(journal.entries()) == 1


def test_journal_shows_itself_and_is_not_copied(journal):
    present(journal)
    assert "alumniOf" in journal._repr_html_()
    assert "1 entries" in repr(journal)
    with pytest.raises(UnsupportedError):
        pickle.dumps(journal)


def test_now_is_the_time_by_default(journal):
    presentation = present(None)
    assert journal.note(presentation, domain="a.example").at > "2026"
