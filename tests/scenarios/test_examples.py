"""The example scripts over one folder, and the example service over loopback."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

import cityid
import town
from cityid import keys

EXAMPLES = Path(__file__).parents[2] / "examples"
DOMAIN = "pool.city.example"
PASSPHRASE = "of the first resident, who alone should know it"


def run(script, *folder):
    return subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            str(EXAMPLES / "scripts" / f"{script}.py"),
            *map(str, folder),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    return folder, [run(script, folder) for script in ("issuer", "holder", "verifier")]


def test_the_scripts_do_the_main_job_one_after_the_other(told):
    folder, (issuer, holder, verifier) = told
    for finished in (issuer, holder, verifier):
        assert finished.returncode == 0, finished.stderr
        assert finished.stderr == ""
    assert issuer.stdout == f"issued 200 credentials into {folder}\n"
    assert holder.stdout == "holding resident card\n"
    assert "PERMITTED" in verifier.stdout
    assert "welcome, Ullia\n" in verifier.stdout
    assert verifier.stdout.endswith(
        "the same answer again: this challenge counts no more: "
        "it was answered before, has run out, or was never sent\n"
    )


def test_each_of_the_200_credentials_verifies(told):
    folder, _ = told
    office = cityid.policy.IssuedBy({(folder / "office.did").read_text()})
    ledger = cityid.registry.connect(f"file:{folder / 'city.registry'}")
    verifier = cityid.Verifier(resolver=town.resolver(), registry=ledger)
    documents = [path.read_bytes() for path in sorted(folder.glob("resident-*.json"))]
    assert len(documents) == 200
    results = cityid.verify_many(documents, policy=office, verifier=verifier)
    assert all(results)
    ledger.close()


def test_a_revoked_card_is_refused_and_was_good_the_day_before(tmp_path):
    folder = tmp_path / "town"
    for script in ("issuer", "holder"):
        assert run(script, folder).returncode == 0
    finished = run("revoker", folder)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "today: the credential is revoked\nthe day before: permitted\n"
    refused = run("verifier", folder)
    assert refused.returncode == 1
    assert "the credential is revoked" in refused.stdout
    assert refused.stderr == "not let in\n"
    assert "welcome" not in refused.stdout


def test_what_the_holder_keeps_secret_lies_in_no_readable_file(told):
    folder, _ = told
    for name in ("resident-000.wallet", "resident-000.backup"):
        path = folder / name
        assert path.stat().st_mode & 0o077 == 0
        assert b"Ullia" not in path.read_bytes()


def test_the_verifier_ends_with_its_reasons_where_the_office_is_another(told, tmp_path):
    folder, _ = told
    for name in ("resident-000.json", "resident-000.wallet", "city.registry"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    (tmp_path / "office.did").write_text(str(town.foreign_office().did))
    finished = run("verifier", tmp_path)
    assert finished.returncode == 1
    assert "the policy does not believe this issuer" in finished.stdout


@pytest.mark.parametrize("script", ["issuer", "holder", "verifier", "revoker"])
def test_a_script_without_a_folder_tells_how_it_is_used(script):
    finished = run(script)
    assert finished.returncode == 2
    assert finished.stderr.startswith(f"usage: {script}.py [-h] FOLDER\n")


def test_scripts_in_another_order_tell_what_comes_before(tmp_path):
    for script in ("holder", "verifier", "revoker"):
        finished = run(script, tmp_path)
        assert finished.returncode == 1
        assert finished.stderr.count("\n") == 1
        assert "run issuer.py" in finished.stderr
    (tmp_path / "office.did").write_text(str(town.office().did))
    wallet = cityid.Wallet.create(tmp_path / "resident-000.wallet", PASSPHRASE)
    wallet.add_key("me", keys.generate("Ed25519"))
    finished = run("verifier", tmp_path)
    assert finished.returncode == 1
    assert "run holder.py before verifier.py" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "request.json").exists()


def test_the_issuer_overwrites_nothing(told):
    folder, _ = told
    before = (folder / "office.did").read_text()
    for place in (folder, folder / "office.did"):
        finished = run("issuer", place)
        assert finished.returncode == 1
        assert finished.stderr == f"{place} is no empty folder, and nothing is overwritten\n"
    assert (folder / "office.did").read_text() == before


def serve(*arguments):
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "service" / "app.py"), "--domain", DOMAIN, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_port_in_use_is_told_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        finished = serve("--issuer", str(town.office().did), "--port", port)
    assert finished.returncode == 3
    assert re.fullmatch(f"cannot serve on port {port}: .*in use\n", finished.stderr)


def test_an_issuer_of_the_service_is_a_did():
    finished = serve("--issuer", "office.did", "--port", "0")
    assert finished.returncode == 2
    assert "argument --issuer: 'office.did' is not a DID" in finished.stderr


LIST = "https://city.example/revoked/1"


@pytest.fixture(scope="module")
def ledger_url(tmp_path_factory):
    return f"file:{tmp_path_factory.mktemp('registry') / 'city.registry'}"


@pytest.fixture(scope="module")
def revoked(ledger_url):
    with cityid.registry.connect(ledger_url) as ledger:
        yield cityid.status.publish(ledger, town.office(), LIST, purpose="revocation")


@pytest.fixture(scope="module")
def service(tmp_path_factory, ledger_url):
    folder = tmp_path_factory.mktemp("service")
    command = [sys.executable, str(EXAMPLES / "service" / "app.py"), "--port", "0"]
    command += ["--issuer", str(town.office().did), "--domain", DOMAIN]
    command += ["--registry", ledger_url]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        yield int(line.rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()


def post(port, path, body=b"", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body, headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def issued(*, about=None, issuer=None, status=()):
    unsigned = town.city_credential("resident", about or town.alice())
    return cityid.issue(
        unsigned, by=issuer or town.office(), valid_for=timedelta(days=365), status=status
    )


def answer(port, *, by=None, about=None, issuer=None, credential=None):
    """Return the body that answers a fresh challenge, presented now."""
    status, sent = post(port, "/challenge")
    assert status == 200
    credential = credential or issued(about=about, issuer=issuer)
    presentation = cityid.present(
        [credential],
        by=by or town.alice(),
        challenge=sent["challenge"],
        domain=sent["domain"],
    )
    return json.dumps({"challenge": sent["challenge"], "presentation": presentation.to_dict()})


def failed(report):
    return [check["name"] for check in report["checks"] if check["outcome"] == "failed"]


def test_the_service_permits_an_answer_once(service):
    body = answer(service)
    status, report = post(service, "/present", body)
    assert (status, report["verified"], failed(report)) == (200, True, [])
    status, report = post(service, "/present", body)
    assert (status, failed(report)) == (403, ["challenge"])


def test_the_service_refuses_a_card_from_the_moment_it_is_revoked(service, revoked):
    card = issued(status=revoked)
    assert post(service, "/present", answer(service, credential=card))[0] == 200
    revoked.revoke(card)
    status, report = post(service, "/present", answer(service, credential=card))
    assert (status, failed(report)) == (403, ["status"])


def test_of_the_same_answer_at_the_same_time_exactly_one_is_accepted(service):
    body = answer(service)
    with ThreadPoolExecutor(8) as clients:
        statuses = list(clients.map(lambda _: post(service, "/present", body)[0], range(8)))
    assert sorted(statuses) == [200] + [403] * 7


def test_the_service_refuses_a_challenge_that_it_never_sent(service):
    message = json.loads(answer(service))
    presentation = cityid.present(
        message["presentation"]["verifiableCredential"],
        by=town.alice(),
        challenge="a-challenge-of-my-own-making",
        domain=DOMAIN,
    )
    body = {"challenge": "a-challenge-of-my-own-making", "presentation": presentation.to_dict()}
    status, report = post(service, "/present", json.dumps(body))
    assert (status, failed(report)) == (403, ["challenge"])


@pytest.mark.parametrize(
    ("persons", "check"),
    [
        ({"by": town.bob()}, "holder_binding"),
        ({"issuer": town.foreign_office()}, "trust"),
    ],
)
def test_the_service_refuses_strangers(service, persons, check):
    status, report = post(service, "/present", answer(service, **persons))
    assert (status, failed(report)) == (403, [check])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"challenge": "x", "challenge": "y"}',
        b'{"challenge": "", "presentation": {}}',
        b'{"challenge": "x", "presentation": []}',
        b"\xff\xfe",
        b"[" * 50_000,
    ],
)
def test_a_malformed_body_gets_400(service, body):
    status, problem = post(service, "/present", body)
    assert status == 400
    assert problem["title"]


def test_a_presentation_of_nothing_is_refused_with_a_report(service):
    status, report = post(service, "/present", b'{"challenge": "x", "presentation": {}}')
    assert (status, failed(report)) == (403, ["structure", "challenge", "domain"])


@pytest.mark.parametrize("length", ["100001", "9" * 5000])
def test_an_oversized_body_gets_413_before_it_is_read(service, length):
    status, problem = post(service, "/present", headers={"Content-Length": length})
    assert (status, problem) == (413, {"title": "at most 100000 bytes"})


@pytest.mark.parametrize("length", ["-1", "many", "1_0"])
def test_a_body_without_a_length_gets_411(service, length):
    status, problem = post(service, "/present", headers={"Content-Length": length})
    assert (status, problem) == (411, {"title": "send a Content-Length"})


def test_an_unknown_path_gets_404(service):
    status, problem = post(service, "/elsewhere", b"{}")
    assert (status, problem) == (404, {"title": "there are /challenge and /present"})


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_another_method_gets_405_in_json(service, method):
    connection = http.client.HTTPConnection("127.0.0.1", service, timeout=20)
    try:
        connection.request(method, "/present")
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert response.headers["Content-Type"] == "application/json"
    title = {"title": "send a POST to /challenge or /present"}
    assert body == b"" if method == "HEAD" else json.loads(body) == title


def test_what_never_reaches_a_path_is_answered_in_json_too(service):
    status, problem = post(service, "/present", headers={f"x-{n}": "y" for n in range(200)})
    assert (status, problem) == (431, {"title": "Too many headers"})


def test_the_readme_names_what_there_is():
    readme = (EXAMPLES / "service" / "README.md").read_text(encoding="utf-8")
    source = (EXAMPLES / "service" / "app.py").read_text(encoding="utf-8")
    for name in ("/challenge", "/present", "--issuer", "--domain", "--registry"):
        assert name in readme
        assert name in source
