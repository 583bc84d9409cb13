"""A chain in simulated time, as one node tells of it: it forgets, halts, reorganises and refuses.

Nothing is computed: a transaction is a piece of work, named by its data, and what counts is how
often each piece is in the chain at the end. Data that begin with ``no`` are reverted.
"""

# ruff: noqa: N802 - the methods are called as in JSON-RPC and http.server

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import rlp

from cityid.registry.ethereum.failures import Failure, RpcError, classify
from cityid.registry.ethereum.hashing import keccak256

CHAIN_ID = 4242
GWEI = 10**9
HASHES = ("sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot", "mixHash")
HEADER = dict.fromkeys(HASHES, "0x" + bytes(32).hex()) | {
    "miner": "0x" + bytes(20).hex(),
    "logsBloom": "0x" + bytes(256).hex(),
    "difficulty": "0x0",
    "gasUsed": "0x0",
    "extraData": "0x",
    "nonce": "0x" + bytes(8).hex(),
}


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self):
        self.now = 1000.0
        self.chimes = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        end = self.now + seconds
        while self.chimes:
            chime = min(self.chimes, key=lambda one: one.due)
            if chime.due > end:
                break
            self.now = max(self.now, chime.due)
            chime.ring()
        self.now = max(self.now, end)


@dataclass
class Chime:
    """Something that happens again and again."""

    due: float
    every: float
    what: object

    def ring(self):
        self.due += self.every
        self.what()


@dataclass(frozen=True)
class Sent:
    """A transaction, as far as it matters here."""

    hash: bytes
    nonce: int
    price: int
    tip: int
    to: bytes
    data: bytes
    foreign: bool = False


@dataclass
class Block:
    number: int
    hash: bytes
    parent: bytes
    time: int
    sent: list = field(default_factory=list)


def read(raw):
    """Read a signed transaction."""
    if raw[0] == 2:
        fields = rlp.decode(raw[1:])
        chain_id, nonce, tip, price = (int.from_bytes(one) for one in fields[:4])
        to, data = fields[5], fields[7]
        assert chain_id == CHAIN_ID
    else:
        fields = rlp.decode(raw)
        nonce, price = (int.from_bytes(one) for one in fields[:2])
        tip, to, data = price, fields[3], fields[5]
    return Sent(keccak256(raw), nonce, price, tip, to, data)


class SimulatedChain:
    """The chain and its one node.

    Attributes:
        name: The node's name.
        faults: Functions of a method that may raise what a node answers instead.
        lossy: How likely the node forgets a transaction that it took.
    """

    name = "simulated"

    def __init__(self, clock, *, seed=0, interval=1.0, capacity=40, base=GWEI, dynamic=True):
        self.clock = clock
        self.random = random.Random(seed)  # noqa: S311 - a test's chance
        self.capacity = capacity
        self.base = base
        self.tip = GWEI // 10
        self.dynamic = dynamic
        self.chain_id = CHAIN_ID
        self.limit = 30_000_000
        self.halted = False
        self.refuses_gaps = False
        self.lossy = 0.0
        self.faults = []
        self.pool = {}
        self.serial = count(1)
        self.blocks = [Block(0, self._fresh(), bytes(32), int(clock.now))]
        self.batches = 0
        self.calls = []
        clock.chimes.append(Chime(clock.now + interval, interval, self._tick))

    # --- what happens on the chain

    def _fresh(self):
        return hashlib.sha256(b"block %d" % next(self.serial)).digest()

    def _tick(self):
        if not self.halted:
            self.mine()

    def mine(self, *, empty=False):
        nonce, chosen = self.mined(), []
        while not empty and len(chosen) < self.capacity:
            sent = self.pool.get(nonce)
            if sent is None or sent.price < self.base:
                break
            chosen.append(self.pool.pop(nonce))
            nonce += 1
        top = self.blocks[-1]
        self.blocks.append(
            Block(top.number + 1, self._fresh(), top.hash, int(self.clock.now), chosen)
        )
        for old in [one for one in self.pool if one < nonce]:
            del self.pool[old]

    def reorganise(self, depth, *, back=0.0):
        """Replace the last blocks with empty ones; some of their transactions wait again."""
        depth = min(depth, len(self.blocks) - 1)
        gone = self.blocks[len(self.blocks) - depth :] if depth else []
        del self.blocks[len(self.blocks) - depth :]
        for sent in (one for block in gone for one in block.sent):
            if self.random.random() < back:
                self.pool.setdefault(sent.nonce, sent)
        for _ in range(depth + 1):
            self.mine(empty=self.random.random() < 0.5)

    def restart(self):
        self.pool.clear()

    def intrude(self, nonce=None):
        """Let somebody else who has the key use a nonce."""
        nonce = self.mined() if nonce is None else nonce
        foreign = Sent(self._fresh(), nonce, 2**62, 2**62, b"", b"foreign", foreign=True)
        self.pool[nonce] = foreign

    def mined(self, number=None):
        last = len(self.blocks) if number is None else number + 1
        return sum(len(block.sent) for block in self.blocks[:last])

    def done(self):
        """Return the data of all that is in the chain."""
        return [sent.data for block in self.blocks for sent in block.sent if not sent.foreign]

    # --- what the node answers

    def request(self, method, params=()):
        self.clock.sleep(0.001)
        self.calls.append(method)
        for fault in list(self.faults):
            fault(method)
        answer = getattr(self, method, None)
        if answer is None:
            raise classify(-32601, f"method {method} not found", None, self.name)
        result = answer(*params)
        for fault in list(self.faults):
            if late := getattr(fault, "afterwards", None):
                late(method)
        return result

    def batch(self, requests):
        self.batches += 1
        answers = []
        for method, params in requests:
            try:
                answers.append(self.request(method, params))
            except RpcError as error:
                answers.append(error)
        return answers

    def close(self):
        pass

    def eth_chainId(self):
        return hex(self.chain_id)

    def eth_blockNumber(self):
        return hex(len(self.blocks) - 1)

    def eth_getBlockByNumber(self, tag, _full):
        number = len(self.blocks) - 1 if tag == "latest" else None
        if tag == "finalized":
            raise classify(-32602, "unknown block tag", None, self.name)
        number = int(tag, 16) if number is None else number
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        shown = {
            "number": hex(number),
            "hash": "0x" + block.hash.hex(),
            "parentHash": "0x" + block.parent.hex(),
            "timestamp": hex(block.time),
            "gasLimit": hex(self.limit),
        } | HEADER
        return shown | ({"baseFeePerGas": hex(self.base)} if self.dynamic else {})

    def eth_getTransactionCount(self, _address, tag):
        if tag == "pending":
            nonce = self.mined()
            while nonce in self.pool:
                nonce += 1
            return hex(nonce)
        return hex(self.mined(None if tag == "latest" else int(tag, 16)))

    def eth_getTransactionReceipt(self, wanted):
        for block in self.blocks:
            for sent in block.sent:
                if sent.hash.hex() == wanted[2:]:
                    return {
                        "transactionHash": wanted,
                        "blockNumber": hex(block.number),
                        "blockHash": "0x" + block.hash.hex(),
                        "status": "0x0" if sent.data.startswith(b"no") else "0x1",
                        "gasUsed": hex(50_000 if sent.data.startswith(b"no gas") else 21_000),
                    }
        return None

    def eth_sendRawTransaction(self, raw):
        sent = read(bytes.fromhex(raw[2:]))
        if sent.nonce < self.mined():
            raise classify(-32000, "nonce too low", None, self.name)
        before = self.pool.get(sent.nonce)
        if before is not None and before.hash == sent.hash:
            raise classify(-32000, "already known", None, self.name)
        if before is not None and sent.price * 10 < before.price * 11:
            raise classify(-32000, "replacement transaction underpriced", None, self.name)
        if self.refuses_gaps and sent.nonce > int(self.eth_getTransactionCount("", "pending"), 16):
            raise classify(-32000, "nonce too high", None, self.name)
        if sent.data.startswith(b"bad"):
            raise classify(-32000, "there is something about it", None, self.name)
        if self.random.random() >= self.lossy:
            self.pool[sent.nonce] = sent
        return "0x" + sent.hash.hex()

    def eth_gasPrice(self):
        return hex(self.base + (self.tip if self.dynamic else 0))

    def eth_maxPriorityFeePerGas(self):
        return hex(self.tip)

    def eth_estimateGas(self, call):
        if bytes.fromhex(call["data"][2:]).startswith(b"no"):
            raise classify(3, "execution reverted: no", None, self.name)
        return hex(40_000)

    def eth_call(self, call, _block):
        if bytes.fromhex(call["data"][2:]).startswith(b"no,"):
            raise classify(3, "execution reverted: no", None, self.name)
        return "0x"


def fault(failure, *methods, chance=1.0, source=None):
    """Return a fault: these methods, or all, fail."""

    def fail(method):
        if (not methods or method in methods) and (source or random).random() < chance:
            raise RpcError(f"the test says {failure}", failure=failure)

    return fail


def lost_answer(failure=Failure.TIMEOUT, *methods, chance=1.0, source=None):
    """Return a fault: the node does what it was asked, and the answer is lost."""

    def nothing(_):
        return

    nothing.afterwards = fault(failure, *methods, chance=chance, source=source)
    return nothing


class RealClock:
    """Time as it passes; the chain hears of it from a thread."""

    def __init__(self):
        self.chimes = []
        self.now = time.time()

    def sleep(self, seconds):
        del seconds


@contextmanager
def serving(interval=0.02, **options):
    """Serve a chain over HTTP on the loopback address, with blocks that come by themselves."""
    chain = SimulatedChain(RealClock(), **options)
    lock, stop = threading.Lock(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                single = isinstance(asked, dict)
                told = [_told(chain, one) for one in ([asked] if single else asked)]
            body = json.dumps(told[0] if single else told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    def mine():
        while not stop.wait(interval):
            with lock:
                chain._tick()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threads = [threading.Thread(target=work) for work in (mine, server.serve_forever)]
    for thread in threads:
        thread.start()
    try:
        yield chain, f"http://127.0.0.1:{server.server_port}"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()


def _told(chain, asked):
    head = {"jsonrpc": "2.0", "id": asked["id"]}
    try:
        return head | {"result": chain.request(asked["method"], asked["params"])}
    except RpcError as error:
        return head | {"error": {"code": -32000, "message": str(error)}}
