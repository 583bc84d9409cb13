from __future__ import annotations

from datetime import timedelta

import pytest

import cityid
import town
from cityid import demo, did, policy, registry
from cityid.demo import services
from cityid.errors import NotFoundError
from cityid.nonces import MemoryNonces
from cityid.report import Outcome
from cityid.wallet import Wallet


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    folder, steps = tmp_path_factory.mktemp("stage"), []
    scenes = list(demo.play(folder, at=town.NOW, progress=lambda *step: steps.append(step)))
    return folder, scenes, steps


def test_every_row_of_every_scene_fits_its_columns(played):
    _, scenes, _ = played
    for scene in scenes:
        assert scene.title
        assert scene.text
        assert scene.rows
        assert {len(row) for row in scene.rows} == {len(scene.columns)}


def test_200_residents_get_a_credential_and_progress_is_told(played):
    _, scenes, steps = played
    assert steps == [(done, 200) for done in range(1, 201)]
    assert "200 resident" in scenes[1].title


def test_three_services_permit(played):
    _, scenes, _ = played
    assert [(row[0], row[-1]) for row in scenes[2].rows] == [
        ("bank.example", "✓ permit"),
        ("vote.city.example", "✓ permit"),
        ("pool.city.example", "✓ permit"),
    ]


def test_every_question_is_unfolded_and_none_failed(played):
    _, scenes, _ = played
    assert [row[0] for row in scenes[3].rows] == [*cityid.result.CHECKS, "policy"]
    marks = {mark for row in scenes[3].rows for mark in row[2:]}
    assert marks == {"✓", ""}


def test_four_attacks_are_refused_by_the_check_that_is_there_for_it(played):
    _, scenes, _ = played
    assert [row[1:3] for row in scenes[4].rows] == [
        ("✗ deny", "proof"),
        ("✗ deny", "challenge"),
        ("✗ deny", "trust"),
        ("✗ deny", "holder_binding"),
    ]
    assert all(reason for *_, reason in scenes[4].rows)


def test_a_revoked_card_is_refused_and_was_good_the_day_before(played):
    _, scenes, _ = played
    assert [row[:4] for row in scenes[5].rows] == [
        ("pool.city.example", "today", "✗ deny", "status"),
        ("an auditor", "today", "✗ deny", "status"),
        ("an auditor", "the day before", "✓ permit", ""),
    ]


def test_the_registry_is_left_with_the_appointment_and_no_resident(played):
    folder, _, _ = played
    with registry.connect(f"file:{folder / 'city.registry'}", origin=demo.ORIGIN) as ledger:
        records = list(ledger.scan())
    types = [record.data.count(b"StaffRoleCredential") for record in records]
    lists = [record.data.count(b"BitstringStatusListCredential") for record in records]
    assert (types, lists) == ([1, 0, 0], [0, 1, 1])
    assert not any(b"Resident" in record.data for record in records)
    assert records[0].recorded_at == town.NOW - timedelta(days=1)
    assert records[2].recorded_at == town.NOW


def test_only_offices_that_the_city_appointed_are_accredited():
    city, office, impostor = town.office(), town.alice(), town.bob()
    verifier = cityid.Verifier(resolver=did.resolver(), nonces=MemoryNonces())
    ledger = registry.connect("memory:")
    appointments = (
        (city, office, ["issue-identity"]),
        (city, town.foreign_office(), ["sweep-streets"]),
        (impostor, impostor, ["issue-identity"]),
    )
    for version, (by, subject, authorised) in enumerate(appointments, start=1):
        unsigned = town.city_credential("staff", subject, authorisedTo=authorised)
        signed = cityid.issue(unsigned, by=by, valid_for=timedelta(days=9), at=town.NOW)
        entry = registry.NewEntry(
            "https://city.example/offices", version, signed.to_json().encode()
        )
        ledger.append([entry])
    found = demo.accredited(ledger, verifier, city.did, town.NOW)
    assert found == {str(office.did)}


def test_a_wallet_without_the_credential_is_told(tmp_path):
    wallet = Wallet.create(tmp_path / "w", "x", cost=cityid.keys.sealed.Cost(1, 2**13))
    wallet.put(town.unsigned())
    with pytest.raises(NotFoundError):
        services._from_wallet(wallet, "ResidentIdentityCredential")


def test_a_result_without_a_problem_has_no_reason_to_tell():
    result = cityid.verify(
        cityid.issue(town.unsigned(), by=town.office(), at=town.NOW),
        policy=policy.IssuedBy({town.office().did}),
        resolver=town.resolver(),
        at=town.NOW,
    )
    assert services._why(result) == ("", "")
    assert services._mark(result, "proof", "") == services._MARKS[Outcome.PASSED]
    assert services._mark(result, "proof", "/") == ""
