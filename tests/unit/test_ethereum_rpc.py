"""Asking one node: few requests, strict answers, and no patience without end."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

import chains
import loopback
from cityid.errors import Code, InvalidInputError, UnsupportedError
from cityid.registry.ethereum.failures import Failure, RpcError
from cityid.registry.ethereum.nodes import rpc
from cityid.registry.ethereum.nodes.rpc import LARGEST_BATCH, http_endpoint
from cityid.registry.ethereum.nodes.wire import Location, Wire

ADDRESS = "127.0.0.1"
NOBODY = "0x" + 40 * "0"


# --- a node that does what a test says


@dataclass
class Said:
    """What a server was asked: heads and bodies, and over how many connections."""

    port: int
    heads: list[str] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"


Answer = Callable[[socket.socket, object], object]
"""Takes the connection and the question; what is no socket work is sent as an answer."""


@contextmanager
def serving(*answers: Answer) -> Iterator[Said]:
    """Answer one question after another; the last answer is for all that follow."""
    with socket.create_server((ADDRESS, 0)) as listener:
        listener.settimeout(0.02)
        said = Said(listener.getsockname()[1])
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, list(answers), said, stop))
        thread.start()
        try:
            yield said
        finally:
            stop.set()
            thread.join()


def _serve(listener, answers, said, stop):
    while not stop.is_set():
        with suppress(OSError):
            connection, _ = listener.accept()
            said.connections += 1
            connection.settimeout(0.02)
            with connection:
                while not stop.is_set() and (question := _question(connection, said, stop)):
                    answer = answers.pop(0) if len(answers) > 1 else answers[0]
                    if answer(connection, question[0]) == "close":
                        break


def _question(connection, said, stop):
    content = b""
    while not stop.is_set():
        head, end, body = content.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) == length:
                said.heads.append(head.decode())
                said.bodies.append(json.loads(body))
                return [json.loads(body)]
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            continue
        if not chunk:
            return None
        content += chunk
    return None


def sent(connection, body, *, status="200 OK", headers=()):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", *headers]
    if not any(line.lower().startswith(("content-length", "transfer")) for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def saying(body, **how):
    """Return an answer that says this, whatever was asked."""
    return lambda connection, _: sent(connection, body, **how)


def result(value):
    return saying({"jsonrpc": "2.0", "id": 0, "result": value})


def refusal(message, code=-32000):
    return saying({"jsonrpc": "2.0", "id": 0, "error": {"code": code, "message": message}})


def of_each(reply):
    """Return an answer to a batch, or to one question, made of a reply to each."""

    def answer(connection, question):
        if isinstance(question, list):
            return sent(connection, [{"id": one["id"], **reply(one)} for one in question])
        return sent(connection, {"id": question["id"], **reply(question)})

    return answer


ECHO = of_each(lambda question: {"result": question["method"]})


@dataclass
class Sleeps:
    """Time that does not pass."""

    pauses: list[float] = field(default_factory=list)

    def __call__(self, seconds):
        self.pauses.append(seconds)


def ask(said, **options):
    endpoint = http_endpoint(said.url, **{"timeout": 2, "attempts": 1, **options})
    try:
        return endpoint.request("eth_chainId", [])
    finally:
        endpoint.close()


def failure_of(*answers, **options):
    with serving(*answers) as said, pytest.raises(RpcError) as caught:
        ask(said, **options)
    return caught.value.failure


# --- questions and answers


def test_a_question_is_one_small_request_over_one_connection():
    with serving(ECHO) as said:
        endpoint = http_endpoint(said.url)
        assert endpoint.request("eth_chainId") == "eth_chainId"
        assert endpoint.request("eth_getCode", [NOBODY, "latest"]) == "eth_getCode"
        endpoint.close()
    assert said.connections == 1
    assert said.bodies == [
        {"jsonrpc": "2.0", "id": 0, "method": "eth_chainId", "params": []},
        {"jsonrpc": "2.0", "id": 0, "method": "eth_getCode", "params": [NOBODY, "latest"]},
    ]
    assert said.heads[0].startswith("POST / HTTP/1.1\r\n")


def test_many_questions_are_one_request_and_are_answered_in_their_order():
    def backwards(connection, question):
        ECHO(connection, question[::-1])

    with serving(backwards) as said:
        endpoint = http_endpoint(said.url)
        assert endpoint.batch([("a", []), ("b", [1]), ("c", [])]) == ["a", "b", "c"]
        assert endpoint.batch([]) == []
        endpoint.close()
    assert [question["params"] for question in said.bodies[0]] == [[], [1], []]
    assert len(said.bodies) == 1


def test_very_many_questions_are_a_few_requests():
    with serving(ECHO) as said:
        endpoint = http_endpoint(said.url)
        asked = [(f"m{n}", []) for n in range(2 * LARGEST_BATCH + 1)]
        assert endpoint.batch(asked) == [method for method, _ in asked]
        endpoint.close()
    assert [len(body) if isinstance(body, list) else 1 for body in said.bodies] == [100, 100, 1]


def test_a_refused_question_does_not_spoil_the_others():
    def reply(question):
        if question["method"] == "bad":
            return {"error": {"code": -32601, "message": "Method not found"}}
        return {"result": 1}

    with serving(of_each(reply)) as said:
        endpoint = http_endpoint(said.url)
        first, second, third = endpoint.batch([("good", []), ("bad", []), ("good", [])])
        assert (first, third) == (1, 1)
        assert second.failure is Failure.UNSUPPORTED
        (only,) = endpoint.batch([("bad", [])])
        assert only.failure is Failure.UNSUPPORTED
        endpoint.close()


def test_what_is_to_come_later_is_asked_again_alone():
    patience = iter([True, False])

    def reply(question):
        if question["method"] == "later" and next(patience, False):
            return {"error": {"code": 429, "message": "Too many requests"}}
        return {"result": question["method"]}

    with serving(of_each(reply)) as said:
        endpoint = http_endpoint(said.url)
        assert endpoint.batch([("now", []), ("later", [])]) == ["now", "later"]
        endpoint.close()
    assert [type(body) for body in said.bodies] == [list, dict]


@pytest.mark.parametrize(
    "message",
    ["batch too large", "batch requests are not supported", "Method not found", "Invalid request"],
)
def test_a_node_that_takes_no_large_batch_gets_smaller_ones(message):
    def answer(connection, question):
        if isinstance(question, list) and len(question) > 2:
            return refusal(message)(connection, question)
        return ECHO(connection, question)

    with serving(answer) as said:
        endpoint = http_endpoint(said.url)
        assert endpoint.batch([(name, []) for name in "abcdefg"]) == [*"abcdefg"]
        endpoint.close()
    assert len(said.bodies) < 10


def test_a_batch_of_which_nothing_comes_back_is_an_error_for_each():
    endpoint = http_endpoint("http://127.0.0.1:9", timeout=1)
    answers = endpoint.batch([("a", []), ("b", [])])
    assert [answer.failure for answer in answers] == [Failure.UNREACHABLE] * 2


# --- answers that are none

NO_ANSWERS = {
    "no JSON": b"<html>",
    "cut": b'{"id":0,"result":',
    "a text": b'"text"',
    "a number": b"5",
    "null": b"null",
    "an array": b"[]",
    "an array of answers": b'[{"id":0,"result":1}]',
    "another number": b'{"id":1,"result":1}',
    "no number": b'{"result":1}',
    "a text for a number": b'{"id":"0","result":1}',
    "nothing": b'{"id":0}',
    "said twice": b'{"id":0,"result":1,"result":2}',
    "not a number": b'{"id":0,"result":NaN}',
    "too large a number": b'{"id":0,"result":100000000000000000000}',
    "too deep": b'{"id":0,"result":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "rather deep": b'{"id":0,"result":' + b"[" * 300 + b"]" * 300 + b"}",
    "half a character": b'{"id":0,"result":"\\ud800"}',
    "no UTF-8": b'{"id":0,"result":"\xff"}',
    "no body": b"",
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_an_answer_that_is_none_is_malformed(body):
    assert failure_of(saying(body)) is Failure.MALFORMED


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"id": 0, "result": 1}],
        [{"id": 0, "result": 1}, {"id": 0, "result": 1}],
        [{"id": 0, "result": 1}, {"id": 2, "result": 1}],
        [{"id": 0, "result": 1}, {"id": True, "result": 1}],
        [{"id": 0, "result": 1}, {"id": "1", "result": 1}],
        [{"id": 0, "result": 1}, {"result": 1}],
        [{"id": 0, "result": 1}, 5],
        [{"id": 0, "result": 1}, [1]],
        [{"id": n, "result": 1} for n in range(3)],
        {"id": 0, "result": 1},
        {"id": 0},
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_a_batch_that_is_not_answered_as_it_was_asked_is_malformed(body):
    with serving(saying(body)) as said:
        endpoint = http_endpoint(said.url, attempts=1)
        answers = endpoint.batch([("a", []), ("b", [])])
        endpoint.close()
    assert [answer.failure for answer in answers] == [Failure.MALFORMED] * 2


@pytest.mark.parametrize(
    "error", ["text", 5, [], {"code": "x"}, {"message": {"deep": []}}, {}], ids=repr
)
def test_a_refusal_of_any_kind_is_an_error(error):
    assert failure_of(saying({"id": 0, "error": error})) is Failure.OTHER


@pytest.mark.parametrize("space", [b"\n", b" \r\n"])
def test_space_around_an_answer_and_in_it_is_nothing(space):
    for body in (b'{"id":0,"result":"0x1"}', b'{"id": 0, "result": "0x1"}'):
        with serving(saying(body + space)) as said:
            assert ask(said) == "0x1"


def test_an_error_of_null_beside_a_result_is_none():
    with serving(saying({"id": 0, "error": None, "result": "0x1"})) as said:
        assert ask(said) == "0x1"


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        ("429 Too Many Requests", Failure.RATE_LIMITED),
        ("413 Content Too Large", Failure.RANGE_TOO_LARGE),
        ("502 Bad Gateway", Failure.UNREACHABLE),
        ("503 Service Unavailable", Failure.UNREACHABLE),
        ("504 Gateway Timeout", Failure.TIMEOUT),
        ("408 Request Timeout", Failure.TIMEOUT),
        ("401 Unauthorized", Failure.OTHER),
        ("404 Not Found", Failure.OTHER),
        ("204 No Content", Failure.OTHER),
        ("599 Nothing Known", Failure.OTHER),
        ("302 Found", Failure.OTHER),
    ],
)
def test_a_status_means_what_it_says(status, failure):
    headers = ("Location: http://127.0.0.1:1/", "Content-Length: 0")
    with serving(saying(b"", status=status, headers=headers)) as said:
        with pytest.raises(RpcError) as caught:
            ask(said)
        assert caught.value.failure is failure
    assert len(said.bodies) == 1
    assert ("redirects" in str(caught.value)) == status.startswith("3")


@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
def test_a_refusal_may_have_a_status_that_says_so(status):
    body = {"id": 0, "error": {"code": -32601, "message": "Method not found"}}
    assert failure_of(saying(body, status=status)) is Failure.UNSUPPORTED


def test_an_answer_larger_than_the_limit_is_refused_told_or_not():
    large = {"id": 0, "result": "a" * 2000}
    assert failure_of(saying(large), max_bytes=1000) is Failure.RANGE_TOO_LARGE

    def chunked(connection, _):
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + (b"400\r\n" + b"a" * 1024 + b"\r\n") * 3)

    assert failure_of(chunked, max_bytes=1000) is Failure.RANGE_TOO_LARGE


@pytest.mark.parametrize(
    "content",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
    ids=["no HTTP", "cut", "many headers", "a long header", "packed", "no chunks", "nothing"],
)
def test_what_is_no_http_is_as_good_as_nothing(content):
    def answer(connection, _):
        with suppress(OSError):
            connection.sendall(content)
        return "close"

    assert failure_of(answer) is Failure.UNREACHABLE


@pytest.mark.parametrize("where", ["head", "body", "nowhere"])
def test_an_answer_that_drips_ends_at_the_deadline(where):
    def drip(connection, _):
        if where == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with suppress(OSError):
            for _ in range(40):
                time.sleep(0.02)
                if where != "nowhere":
                    connection.sendall(b"H")
        return "close"

    start = time.monotonic()
    assert failure_of(drip, timeout=0.2) is Failure.TIMEOUT
    assert time.monotonic() - start < 3


def test_no_time_at_all_is_over_before_anything_is_asked():
    with serving(ECHO) as said:
        with pytest.raises(RpcError, match="did not answer within 1e-09 s"):
            ask(said, timeout=1e-9)
        assert said.bodies == []


# --- patience


@pytest.mark.parametrize(
    "later",
    [saying(b"", status="429 Too Many Requests"), refusal("request rate limited", -32005)],
    ids=["status", "error"],
)
def test_what_was_told_to_come_later_is_asked_again_after_a_while_that_doubles(later):
    pauses = Sleeps()
    with serving(later, later, result("0x1")) as said:
        assert ask(said, attempts=3, sleep=pauses) == "0x1"
    assert pauses.pauses == [0.25, 0.5]
    assert len(said.bodies) == 3


def test_asking_again_has_an_end():
    pauses = Sleeps()
    later = saying(b"", status="429 Too Many Requests")
    assert failure_of(later, attempts=4, sleep=pauses) is Failure.RATE_LIMITED
    assert pauses.pauses == [0.25, 0.5, 1.0]


def test_what_is_refused_is_not_asked_again():
    pauses = Sleeps()
    assert failure_of(refusal("nonce too low"), attempts=3, sleep=pauses) is Failure.NONCE_TOO_LOW
    assert pauses.pauses == []


def test_a_connection_that_the_node_closed_meanwhile_is_opened_again():
    def last(connection, question):
        ECHO(connection, question)
        return "close"

    with serving(last) as said:
        endpoint = http_endpoint(said.url, attempts=1)
        for _ in range(3):
            assert endpoint.request("eth_chainId") == "eth_chainId"
            time.sleep(0.05)
        endpoint.close()
    assert said.connections == 3


def test_a_node_that_says_that_it_closes_is_believed():
    body = {"id": 0, "result": 1}
    with serving(saying(body, headers=("Connection: close",))) as said:
        endpoint = http_endpoint(said.url, attempts=1)
        assert endpoint.request("a") == endpoint.request("b") == 1
        endpoint.close()
    assert said.connections == 2


def test_closing_ends_what_is_on_its_way():
    asked = threading.Event()

    def never(connection, question):
        if question["method"] == "never":
            asked.set()
            with suppress(OSError):
                connection.settimeout(5)
                connection.recv(1)
            return "close"
        return ECHO(connection, question)

    with serving(never) as said:
        endpoint = http_endpoint(said.url, timeout=30)
        assert endpoint.request("first") == "first"
        failures = []

        def ask_never():
            with pytest.raises(RpcError) as caught:
                endpoint.request("never")
            failures.append(caught.value.failure)

        thread = threading.Thread(target=ask_never)
        thread.start()
        assert asked.wait(5)
        start = time.monotonic()
        endpoint.close()
        thread.join(5)
        assert failures == [Failure.UNREACHABLE]
        assert time.monotonic() - start < 4
        assert endpoint.request("afterwards") == "afterwards"
        endpoint.close()


def test_a_connection_that_was_closed_on_purpose_is_not_opened_again(monkeypatch):
    wire = Wire(Location.of("http://127.0.0.1:9"))
    wire._socket = socket.socket()

    def broken(*_):
        wire.close()
        raise ConnectionResetError

    monkeypatch.setattr(wire, "_exchange", broken)
    with pytest.raises(RpcError, match="cannot be reached: ConnectionResetError"):
        wire.post("", b"", headers={}, timeout=1)


def test_without_the_extra_it_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "web3", None)
    for door in (rpc.tester_endpoint, lambda: http_endpoint("http://localhost:1")):
        with pytest.raises(UnsupportedError, match=r"pip install 'cityid\[ethereum\]'"):
            door()


def test_nobody_there_is_unreachable():
    endpoint = http_endpoint("http://127.0.0.1:9", timeout=1)
    with pytest.raises(RpcError, match="cannot be reached: ConnectionRefusedError") as caught:
        endpoint.request("eth_chainId")
    assert (caught.value.failure, caught.value.code) == (Failure.UNREACHABLE, Code.UNREACHABLE)
    endpoint.close()


def test_threads_may_share_a_node():
    with serving(ECHO) as said:
        endpoint = http_endpoint(said.url)
        answers = []

        def work(name):
            answers.extend(endpoint.request(name) == name for _ in range(20))
            answers.append(endpoint.batch([(name, []), ("x", [])]) == [name, "x"])

        threads = [threading.Thread(target=work, args=(f"m{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        endpoint.close()
    assert len(answers) == 84
    assert all(answers)


# --- where a node is


@pytest.mark.parametrize(
    ("url", "name", "target"),
    [
        ("http://localhost:8545", "http://localhost:8545", "/"),
        ("https://rpc.example/v3/KEY?x=y", "https://rpc.example:443", "/v3/KEY?x=y"),
        ("http://user:password@HOST:1/", "http://host:1", "/"),
        ("http://[::1]:8545", "http://[::1]:8545", "/"),
        ("http://host", "http://host:80", "/"),
    ],
)
def test_a_url_says_where_a_node_is(url, name, target):
    location = Location.of(url)
    assert (location.name, location.target) == (name, target)
    assert "KEY" not in repr(location)
    assert "password" not in repr(location)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8545",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:99999",
        "http://host:x",
        "http://ho st",
        "http://host/\r\nX: y",
        "http://hö.example",
        "http://host/#fragment",
        "http://[::1",
    ],
)
def test_what_is_no_url_of_a_node_is_refused_and_not_shown(url):
    with pytest.raises(InvalidInputError, match="a node is given by a URL") as caught:
        http_endpoint(url)
    assert len(url) < 8 or url not in str(caught.value)


@pytest.mark.parametrize("url", [None, b"http://localhost", 5, ["http://localhost"]])
def test_what_is_no_text_is_no_url(url):
    with pytest.raises(InvalidInputError, match="a node is given by a URL"):
        http_endpoint(url)


@pytest.mark.parametrize(
    "option",
    [
        {"timeout": 0},
        {"timeout": "1"},
        {"timeout": None},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"attempts": 1.5},
        {"attempts": 0},
        {"attempts": True},
        {"max_bytes": 0},
    ],
)
def test_limits_that_limit_nothing_are_refused(option):
    with pytest.raises(InvalidInputError, match="all are positive"):
        http_endpoint("http://localhost", **option)


def test_credentials_are_sent_and_never_told(caplog):
    with serving(ECHO, refusal("nonce too low")) as said, caplog.at_level(logging.DEBUG):
        url = said.url.replace("//", "//us%20er:pass%3Aword@") + "/SECRET?token=SECRET"
        endpoint = http_endpoint(url)
        assert endpoint.request("eth_chainId") == "eth_chainId"
        with pytest.raises(RpcError) as caught:
            endpoint.request("eth_chainId")
        endpoint.close()
    assert said.heads[0].startswith("POST /SECRET?token=SECRET HTTP/1.1\r\n")
    assert "Authorization: Basic dXMgZXI6cGFzczp3b3Jk" in said.heads[0]
    told = f"{caught.value!r} {caplog.text} {endpoint.name}"
    assert "127.0.0.1" in told
    assert not [word for word in ("SECRET", "pass", "dXMg") if word in told]


def test_tls_is_checked():
    def answer(connection):
        if b"eth_chainId" not in server.requests[-1]:  # the body may come after the head
            connection.recv(4096)
        loopback.answer(b'{"id":0,"result":"0x1"}')(connection)

    with loopback.serving(answer, host="localhost") as server:
        url = f"https://localhost:{server.port}"
        trusting = http_endpoint(url, tls=server.trust, attempts=1)
        assert trusting.request("eth_chainId") == "0x1"
        trusting.close()
        with pytest.raises(RpcError, match="SSLCertVerificationError") as caught:
            http_endpoint(url, attempts=1).request("eth_chainId")
    assert caught.value.failure is Failure.UNREACHABLE
    assert isinstance(caught.value.__cause__, ssl.SSLError)


# --- a chain inside the process


def test_a_chain_in_this_process_answers_as_one_over_http():
    endpoint = rpc.tester_endpoint()
    assert endpoint.name == "tester"
    block = endpoint.request("eth_getBlockByNumber", ["latest", False])
    assert block["number"] == "0x0"
    assert block["logsBloom"] == "0x" + 512 * "0"
    assert all(isinstance(block[name], str) for name in ("hash", "timestamp", "gasLimit"))
    account = endpoint.request("eth_accounts")[0]
    word = endpoint.request("eth_getStorageAt", [account, "0x0", "0x0"])
    assert word == "0x" + 64 * "0"
    sent_to = {"from": account, "to": account, "value": "0x1", "gas": "0x5208"}
    transaction = endpoint.request("eth_sendTransaction", [sent_to])
    receipt = endpoint.request("eth_getTransactionReceipt", [transaction])
    assert receipt["status"] == "0x1"
    assert receipt["logs"] == []
    assert json.loads(json.dumps(receipt)) == receipt
    endpoint.close()


def test_a_chain_in_this_process_refuses_as_one_over_http():
    endpoint = rpc.tester_endpoint()
    account = endpoint.request("eth_accounts")[0]
    proof, logs, unknown, word, raw = endpoint.batch(
        [
            ("eth_getProof", [account, [], "latest"]),
            ("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "0x0", "address": account}]),
            ("eth_unknown", []),
            ("eth_getStorageAt", [account, "0x0", {"blockHash": "0x" + 64 * "0"}]),
            ("eth_sendRawTransaction", ["0x00"]),
        ]
    )
    assert logs == []
    assert [answer.failure for answer in (proof, unknown, word)] == [Failure.UNSUPPORTED] * 3
    assert raw.failure is Failure.OTHER


def test_chains_in_this_process_may_be_shared():
    chain = chains.in_process()
    chain.mine(3)
    voices = [chain.endpoint() for _ in range(3)]
    heights = []
    threads = [
        threading.Thread(
            target=lambda voice=voice: heights.extend(
                voice.request("eth_blockNumber") for _ in range(30)
            )
        )
        for voice in voices
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heights == ["0x3"] * 90
    assert voices[0]._lock is voices[1]._lock
    assert rpc.tester_endpoint().request("eth_blockNumber") == "0x0"


@pytest.mark.anvil
def test_a_real_node_is_asked_in_few_requests():
    with chains.anvil() as node:
        endpoint = node.endpoint()
        chain_id, unknown, *rest = endpoint.batch(
            [("eth_chainId", []), ("eth_unknown", []), *[("eth_blockNumber", [])] * 150]
        )
        assert chain_id == hex(31337)
        assert unknown.failure is Failure.UNSUPPORTED
        assert len(rest) == 150
        with pytest.raises(RpcError) as caught:
            endpoint.request("eth_sendRawTransaction", ["0x00"])
        assert caught.value.failure is Failure.OTHER
    with pytest.raises(RpcError) as caught:
        endpoint.request("eth_chainId")
    assert caught.value.failure is Failure.UNREACHABLE
