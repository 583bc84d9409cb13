"""Several offices change one authority's list at once, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import town
from cityid import registry, trust

RECOGNISES = """
import sys
import town
from cityid import registry, trust

path, number = sys.argv[1:]
with registry.connect("file:" + path) as ledger:
    for nth in range(3):
        who = town.person(f"bank {number}/{nth}")
        trust.recognise(ledger, town.person("city"), who, for_type="KycAssuranceCredential")
"""


def test_no_recognition_is_lost_between_processes(tmp_path):
    path, city = tmp_path / "city.registry", town.person("city")
    registry.connect(f"file:{path}").close()
    command = [sys.executable, "-c", RECOGNISES, str(path)]
    place = {"cwd": str(town.__file__).rpartition("/")[0]}
    running = [subprocess.Popen([*command, str(number)], **place) for number in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with registry.connect(f"file:{path}") as ledger:
        listed = trust.read_list(ledger, town.resolver(), str(city.did), at=datetime.now(UTC))
        versions = [record.version for record in ledger.read(trust.list_id(str(city.did)))]
    everybody = {str(town.person(f"bank {a}/{b}").did) for a in range(3) for b in range(3)}
    assert {line.entity for line in listed.actions} == everybody
    assert versions == list(range(1, 10))
