"""Speaking with one node: questions in JSON-RPC, one at a time or many in one request.

This is the one door to web3. A node is not trusted: what it answers is bounded, strict JSON, and
nothing of it is believed before somebody above has read it with its type.

Spec:
    https://www.jsonrpc.org/specification
    https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from cityid import compact_json, strict_json
from cityid.errors import Code, InvalidInputError, UnsupportedError, quote
from cityid.registry.ethereum.failures import Failure, RpcError, classify, malformed
from cityid.registry.ethereum.nodes.wire import MAX_BYTES, Location, Wire

if TYPE_CHECKING:
    import ssl

    from web3 import HTTPProvider
    from web3.types import RPCEndpoint, RPCResponse

__all__ = ["Endpoint", "Failure", "Request", "RpcError", "http_endpoint", "tester_endpoint"]

TIMEOUT: Final = 10.0
ATTEMPTS: Final = 3
LARGEST_BATCH: Final = 100
"""What the strictest of the common nodes takes in one request."""
_LONGEST_TIMEOUT: Final = 3600.0
_BACKOFF: Final = 0.25
_RETRIED: Final = {Failure.RATE_LIMITED, Failure.TIMEOUT}
_SMALLER: Final = {Failure.RANGE_TOO_LARGE, Failure.UNSUPPORTED}
_LIMITS: Final = strict_json.Limits(max_bytes=MAX_BYTES)
_MOST_COMMAS: Final = 1_000_000
"""More values no answer has; each takes much more room than its letters."""
_BLOOM_BITS: Final = 2048

Request = tuple[str, Sequence[Any]]
"""A method and its parameters."""

Sleep = Callable[[float], None]


class Endpoint(Protocol):
    """The port through which one node is asked."""

    @property
    def name(self) -> str:
        """What the node is called in messages; it holds no credentials."""
        ...

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """Ask one question.

        Args:
            method: The method, such as ``eth_chainId``.
            params: Its parameters, as JSON has them.

        Returns:
            The result, as JSON has it: of any type, whatever the node says.

        Raises:
            RpcError: There is no answer, or a refusal.
        """
        ...

    def batch(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        """Ask many questions at once.

        Args:
            requests: The questions.

        Returns:
            The result of each, in order, or the error that it met; this never raises it.
        """
        ...

    def close(self) -> None:
        """Give all resources back."""
        ...


def http_endpoint(
    url: str,
    *,
    timeout: float = TIMEOUT,
    attempts: int = ATTEMPTS,
    max_bytes: int = MAX_BYTES,
    tls: ssl.SSLContext | None = None,
    sleep: Sleep = time.sleep,
) -> Endpoint:
    """Return a node that is asked over HTTP.

    Proxies are not used, redirects not followed. What was told to come later or was not answered
    in time is asked again, after a while that doubles.

    Args:
        url: ``http(s)://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]``.
        timeout: The most seconds that one request may take.
        attempts: How often a request is tried.
        max_bytes: The most bytes that an answer may have.
        tls: How certificates are checked; the system's trust where it is not given.
        sleep: How waiting is done.

    Raises:
        InvalidInputError: The URL is none, or a limit is not positive.
        UnsupportedError: The extra is not installed.
    """
    _check_limits(timeout, attempts, max_bytes)
    location = Location.of(url)
    wire = Wire(location, tls=tls, max_bytes=max_bytes)
    return _HttpEndpoint(
        location.name, _provider(location.name, wire, timeout), wire, attempts, sleep
    )


def tester_endpoint(tester: Any = None) -> Endpoint:  # noqa: PT028 - no test: eth-tester is its name
    """Return a node that lives in this process: an EVM without network and without proofs.

    Args:
        tester: The `eth_tester.EthereumTester` to ask; a new chain of its own where None is given.

    Raises:
        UnsupportedError: The extra is not installed.
    """
    try:
        from web3 import EthereumTesterProvider, Web3
    except ImportError as error:
        raise _missing() from error
    provider = EthereumTesterProvider(tester)
    web3 = Web3(provider, middleware=[])
    turns = vars(provider.ethereum_tester).setdefault("_turns", threading.Lock())
    return _TesterEndpoint(provider.request_func(web3, web3.middleware_onion), turns)


def _provider(name: str, wire: Wire, timeout: float) -> HTTPProvider:
    """Return web3's provider, which learns no more of the URL than may stand in its debug log."""
    try:
        from web3 import HTTPProvider
    except ImportError as error:
        raise _missing() from error

    class StrictProvider(HTTPProvider):
        """Reads answers as strictly as everything else is read."""

        @staticmethod
        def decode_rpc_response(raw_response: bytes) -> RPCResponse:
            return cast("RPCResponse", _decode(raw_response))

    return StrictProvider(
        name, {"timeout": timeout}, session=wire, exception_retry_configuration=None
    )


class _HttpEndpoint:
    """Asks a node over HTTP."""

    def __init__(
        self, name: str, provider: HTTPProvider, wire: Wire, attempts: int, sleep: Sleep
    ) -> None:
        self.name = name
        self._provider = provider
        self._wire = wire
        self._attempts = attempts
        self._sleep = sleep
        self._lock = threading.Lock()

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        return self._patiently(lambda: self._single(method, params))

    def batch(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        answers: list[Any | RpcError] = []
        for start in range(0, len(requests), LARGEST_BATCH):
            answers += self._part(requests[start : start + LARGEST_BATCH])
        return answers

    def close(self) -> None:
        self._wire.close()

    def _patiently(self, work: Callable[[], Any]) -> Any:
        for attempt in range(self._attempts - 1):
            try:
                return work()
            except RpcError as error:
                if error.failure not in _RETRIED:
                    raise
            self._sleep(_BACKOFF * 2**attempt)
        return work()

    def _single(self, method: str, params: Sequence[Any]) -> Any:
        with self._lock:
            self._provider.request_counter = itertools.count()
            response = self._provider.make_request(cast("RPCEndpoint", method), list(params))
        return _result(response, 0, self.name)

    def _part(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        """Ask a part of a batch; in smaller parts where the node takes no such batch."""
        if len(requests) == 1:
            return [self._attempt(requests[0])]
        try:
            answers = self._patiently(lambda: self._together(requests))
        except RpcError as error:
            if error.failure not in _SMALLER:
                return [error] * len(requests)
            half = len(requests) // 2
            return self._part(requests[:half]) + self._part(requests[half:])
        return [
            self._attempt(request) if _is_for_later(answer) else answer
            for request, answer in zip(requests, answers, strict=True)
        ]

    def _attempt(self, request: Request) -> Any | RpcError:
        try:
            return self.request(*request)
        except RpcError as error:
            return error

    def _together(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        calls = [(cast("RPCEndpoint", method), list(params)) for method, params in requests]
        with self._lock:
            self._provider.request_counter = itertools.count()
            responses: Any = self._provider.make_batch_request(calls)
        if isinstance(responses, dict):  # the whole batch was refused
            _result(responses, None, self.name)
        if not isinstance(responses, list) or len(responses) != len(requests):
            raise malformed(f"{self.name} did not answer a batch of {len(requests)} questions")
        return [_outcome(response, place, self.name) for place, response in enumerate(responses)]


class _TesterEndpoint:
    """Asks a chain in this process, which answers with Python's values instead of JSON's.

    All endpoints of one chain take turns, so that threads may ask it.
    """

    name = "tester"

    def __init__(self, ask: Callable[..., Any], turns: threading.Lock) -> None:
        self._ask = ask
        self._lock = turns

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        if method == "eth_getStorageAt":
            params = [*params[:2], _named_or_number(params[2])]
        try:
            with self._lock:
                response = self._ask(method, list(params))
        except Exception as error:  # an EVM may fail in any way; raised again as what it means
            raise classify(None, f"{type(error).__name__}: {error}", None, self.name) from error
        return _result(_plain(response), None, self.name)

    def batch(self, requests: Sequence[Request]) -> list[Any | RpcError]:
        return [self._attempt(method, params) for method, params in requests]

    def close(self) -> None:
        """Do nothing: the chain goes when nobody knows it any more."""

    def _attempt(self, method: str, params: Sequence[Any]) -> Any | RpcError:
        try:
            return self.request(method, params)
        except RpcError as error:
            return error


def _check_limits(timeout: object, attempts: object, max_bytes: object) -> None:
    is_time = isinstance(timeout, int | float) and 0 < timeout <= _LONGEST_TIMEOUT
    if not is_time or any(type(count) is not int or count < 1 for count in (attempts, max_bytes)):
        raise InvalidInputError(
            "timeout is a number of seconds, attempts and max_bytes are whole numbers; "
            "all are positive",
            code=Code.INVALID_OPTIONS,
        )


def _missing() -> UnsupportedError:
    return UnsupportedError(
        "a registry on a chain needs the extra: pip install 'cityid[ethereum]'", name="ethereum"
    )


def _decode(content: bytes) -> Any:
    """Read an answer; in one of a batch, every part must have the number of a question."""
    if content.count(b",") > _MOST_COMMAS:
        raise malformed(f"it has more than {_MOST_COMMAS} values")
    try:
        answer = compact_json.read(content.rstrip()) or strict_json.parse(content, limits=_LIMITS)
    except InvalidInputError as error:
        raise malformed(str(error)) from error
    if isinstance(answer, list):
        for part in answer:
            if not isinstance(part, dict) or type(part.get("id")) is not int:
                raise malformed("a part of a batch has no number of a question")
    elif not isinstance(answer, dict):
        raise malformed(f"it is neither an object nor an array: {quote(answer)}")
    return answer


def _result(response: Any, number: int | None, node: str) -> Any:
    """Return the result in a response.

    Raises:
        RpcError: It is a refusal, or no response to question `number`.
    """
    if not isinstance(response, dict):
        raise malformed(f"{node} answered one question with many answers")
    error = response.get("error")
    if isinstance(error, dict):
        raise classify(error.get("code"), error.get("message"), error.get("data"), node)
    if error is not None:
        raise classify(None, error, None, node)
    if "result" not in response or (number is not None and response.get("id") != number):
        raise malformed(f"{node} did not answer the question that was asked")
    return response["result"]


def _outcome(response: Any, number: int, node: str) -> Any | RpcError:
    if response["id"] != number:
        raise malformed(f"{node} did not answer the questions that were asked")
    try:
        return _result(response, number, node)
    except RpcError as error:
        return error


def _is_for_later(answer: Any) -> bool:
    return isinstance(answer, RpcError) and answer.failure is Failure.RATE_LIMITED


def _named_or_number(block: Any) -> Any:
    """Return a block as the tester takes it where web3 forgets to: a number as a number."""
    return int(block, 16) if isinstance(block, str) and block.startswith("0x") else block


def _plain(value: Any) -> Any:
    """Return Python's values as JSON-RPC writes them."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return hex(value)
    if isinstance(value, Mapping):
        plain = {str(name): _plain(member) for name, member in value.items()}
        if isinstance(value.get("logsBloom"), int):
            plain["logsBloom"] = f"0x{value['logsBloom']:0{_BLOOM_BITS // 4}x}"
        return plain
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
