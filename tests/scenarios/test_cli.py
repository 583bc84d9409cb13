"""The main job from the shell: every command is a process of its own, as a person would run it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import town

PASSPHRASE = "correct horse battery staple"
CHALLENGE, DOMAIN = town.CHALLENGE, town.DOMAIN
COMMAND = [sys.executable, "-m", "cityid"]


def run(folder, *arguments, stdin=b"", stdout=subprocess.PIPE, environment=None):
    given = os.environ | {"CITYID_PASSPHRASE": PASSPHRASE, "COLUMNS": "100"} | (environment or {})
    finished = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={name: value for name, value in given.items() if value is not None},
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in finished.stderr, finished.stderr.decode()
    assert PASSPHRASE.encode() not in (finished.stdout or b"") + finished.stderr
    return finished


@dataclass
class Job:
    """What the main job has left behind."""

    folder: Path
    office: str = ""
    steps: dict[str, subprocess.CompletedProcess] = field(default_factory=dict)

    def run(self, name, *arguments, **options):
        self.steps[name] = run(self.folder, *arguments, **options)
        return self.steps[name].stdout

    def verify(self, document, *arguments, **options):
        asked = ("--issuer", self.office, "--challenge", CHALLENGE, "--domain", DOMAIN)
        return run(self.folder, "verify", document, *asked, *arguments, **options)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    job = Job(tmp_path_factory.mktemp("shell"))
    job.run("office", "keys", "generate", "office")
    alice = job.run("alice", "keys", "generate", "alice", "--json")
    job.office = job.run("did", "did", "create", "key", "--key", "office").decode().strip()
    unsigned = town.city_credential("resident", town.alice())
    multikey = json.loads(alice)[0]["publicKeyMultibase"]
    unsigned["credentialSubject"]["id"] = f"did:key:{multikey}"
    (job.folder / "unsigned.json").write_text(json.dumps(unsigned))
    job.run(
        "issue", "issue", "unsigned.json", "--key", "office", "--valid-days", 30, "-o", "vc.json"
    )
    added = job.run("add", "wallet", "add", "vc.json", "--name", "card", "--json")
    held = job.run("show", "wallet", "show", json.loads(added)["id"])
    presented = ("--key", "alice", "--challenge", CHALLENGE, "--domain", DOMAIN)
    shown = job.run("present", "present", "-", *presented, "--json", stdin=held)
    (job.folder / "vp.json").write_bytes(shown)
    return job


def test_every_step_of_the_main_job_is_done_without_a_word_of_complaint(job):
    for finished in job.steps.values():
        assert (finished.returncode, finished.stderr) == (0, b"")
    assert job.steps["issue"].stdout == b"written: vc.json\n"
    assert json.loads(job.steps["show"].stdout) == json.loads((job.folder / "vc.json").read_bytes())


def test_what_belongs_to_a_person_is_readable_by_its_owner_alone(job):
    for name in ("cityid.keys", "cityid.wallet", "vc.json"):
        assert (job.folder / name).stat().st_mode & 0o077 == 0


def test_a_presentation_verifies_once(job):
    nonces = ("--nonces", "challenges.db")
    first = job.verify("vp.json", *nonces)
    assert first.returncode == 0
    assert first.stdout.startswith(b"PERMITTED\n")
    assert b"\x1b" not in first.stdout
    again = job.verify("-", *nonces, "--json", stdin=(job.folder / "vp.json").read_bytes())
    assert again.returncode == 1
    report = json.loads(again.stdout)
    assert report["decision"]["verdict"] == "deny"
    (failed,) = [check for check in report["checks"] if check["outcome"] == "failed"]
    assert failed["name"] == "challenge"
    assert failed["problem"]["type"] == "urn:cityid:problem:REPLAY_DETECTED"


def test_a_tampered_presentation_is_refused_with_the_report(job):
    document = json.loads((job.folder / "vp.json").read_bytes())
    document["verifiableCredential"][0]["credentialSubject"]["familyName"] = "Somebody"
    refused = job.verify("-", stdin=json.dumps(document).encode())
    assert refused.returncode == 1
    assert refused.stdout.startswith(b"REFUSED\n")
    assert "✗ proof".encode() in refused.stdout


@pytest.mark.parametrize(
    ("document", "says"),
    [(b'{"a": 1, "a": 2}', "standard input: "), (None, "nowhere.json: No such file")],
)
def test_what_cannot_be_read_is_wrong_use(job, document, says):
    source = "nowhere.json" if document is None else "-"
    finished = job.verify(source, stdin=document or b"")
    assert (finished.returncode, finished.stdout) == (2, b"")
    assert says in finished.stderr.decode()


def test_a_broken_registry_is_the_worlds_failure_told_in_json(job):
    (job.folder / "broken.registry").write_bytes(b"not a registry, whatever its name says" * 50)
    before = (job.folder / "broken.registry").read_bytes()
    finished = job.verify("vp.json", "--registry", "file:broken.registry", "--json")
    assert (finished.returncode, finished.stdout) == (3, b"")
    assert json.loads(finished.stderr)["type"] == "urn:cityid:problem:STORE_CORRUPT"
    assert (job.folder / "broken.registry").read_bytes() == before


def test_an_unknown_command_is_wrong_use(tmp_path):
    finished = run(tmp_path, "verifie")
    assert finished.returncode == 2
    assert b"No such command" in finished.stderr


def test_without_a_passphrase_nothing_is_asked_where_nobody_sits(tmp_path):
    finished = run(tmp_path, "keys", "generate", "mine", environment={"CITYID_PASSPHRASE": None})
    assert finished.returncode == 2
    assert b"--passphrase-file" in finished.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_leaves_gets_no_complaint(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        finished = run(tmp_path, "specs", stdout=writer)
    finally:
        os.close(writer)
    assert (finished.returncode, finished.stderr) == (3, b"")


def test_an_interrupt_ends_quietly(tmp_path):
    os.mkfifo(tmp_path / "document")
    process = subprocess.Popen(
        [*COMMAND, "verify", "document", "--unsafe-any-issuer"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with (tmp_path / "document").open("wb"):  # opens when the command has come to read it
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_help_and_version_load_nothing_heavy(tmp_path):
    heavy = {"pyld", "jsonschema", "nacl", "cryptography", "multiformats", "base58", "web3"}
    for arguments in (["--help"], ["version"]):
        given = {"PYTHONPROFILEIMPORTTIME": "1"}
        finished = run(tmp_path, *arguments, environment=given)
        assert finished.returncode == 0
        loaded = set(re.findall(r"\| +(\w+)$", finished.stderr.decode(), re.MULTILINE))
        assert "cityid" in loaded
        assert heavy.isdisjoint(loaded)


def test_the_demo_plays_for_a_pipe_in_words_alone(tmp_path):
    finished = run(tmp_path, "demo", "--folder", "stage")
    assert (finished.returncode, finished.stderr) == (0, b"")
    told = finished.stdout.decode()
    assert "\x1b" not in told
    for number, title in enumerate(("registry office", "200 resident", "goes to", "asked"), 1):
        assert re.search(rf"^{number}\. .*{title}", told, re.MULTILINE)
    assert told.count("✓ permit") == 4
    assert told.count("✗ deny") == 6
    assert {path.name for path in (tmp_path / "stage").iterdir()} >= {
        "city.registry",
        "resident.wallet",
        "challenges.db",
    }
