"""What holds for every test: no outbound sockets, every vector counted, real nodes where wanted."""

from __future__ import annotations

import ipaddress
import os
import resource
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import vectors

EXPECTED = Path(__file__).with_name("vectors.toml")
PASSED: Counter[str] = Counter()
_REQUIRED = os.environ.get("CITYID_REQUIRE_VECTORS") == "1"
_CHAIN_REQUIRED = os.environ.get("CITYID_REQUIRE_CHAIN") == "1"


def _refuse_outbound(event: str, arguments: tuple[object, ...]) -> None:
    if event not in {"socket.connect", "socket.sendto"}:
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return  # a Unix socket
    host = str(address[0])
    try:
        loopback = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        loopback = host in {"localhost", ""}
    if not loopback:
        raise PermissionError(f"a test tried to reach {host}")


sys.addaudithook(_refuse_outbound)

MEMORY = 4 << 30
_, _HARD = resource.getrlimit(resource.RLIMIT_AS)
# A bound that fails must not take the machine.
resource.setrlimit(resource.RLIMIT_AS, (MEMORY, _HARD))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        PASSED.update(name for key, name in report.user_properties if key == "vectors")


@pytest.fixture(autouse=True)
def _count_vectors(request: pytest.FixtureRequest) -> None:
    for marker in request.node.iter_markers("vectors"):
        request.node.user_properties.append(("vectors", marker.args[0]))


_LEFT_OUT = {
    "anvil": "no test asked a real node",
    "erc1056": "no test of did:ethr ran on the published contract",
}
"""What is said where something that others made is missing, by the mark of the tests."""


def _missing() -> list[str]:
    """Return the marks of the tests that lack what others made."""
    import chains  # not before the coverage of what they import is measured
    import erc1056

    found = {"anvil": chains.anvil_path(), "erc1056": erc1056.artefact()}
    return [mark for mark, path in found.items() if path is None]


def pytest_configure() -> None:
    if _CHAIN_REQUIRED and (missing := _missing()):
        raise pytest.UsageError(f"required and missing: {', '.join(missing)}; see make anvil")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what asks a real node or the contract of others, where there is none."""
    missing = _missing()
    asking = [item for item in items if any(map(item.get_closest_marker, missing))]
    if not asking:
        return
    items[:] = [item for item in items if item not in asking]
    config.hook.pytest_deselected(items=asking)


def _whole_suite(config: pytest.Config) -> bool:
    narrowed = config.option.keyword or config.option.markexpr or config.option.file_or_dir
    return not narrowed and not hasattr(config, "workerinput")


def _expected() -> dict[str, int]:
    return tomllib.loads(EXPECTED.read_text(encoding="utf-8"))["executed"]


def _disagreements() -> list[str]:
    expected = _expected()
    return [
        f"{name}: {PASSED[name]} vectors passed, {expected.get(name, 0)} expected"
        for name in sorted(expected.keys() | PASSED.keys())
        if PASSED[name] != expected.get(name, 0)
    ]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if _REQUIRED and _whole_suite(session.config) and exitstatus == 0 and _disagreements():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for mark in _missing():
        terminalreporter.write_line(f"{mark} missing: {_LEFT_OUT[mark]}; see make anvil")
    if not _whole_suite(terminalreporter.config):
        return
    missing = [name for name in sorted(_expected()) if not (vectors.ROOT / name).is_dir()]
    for name in missing:
        place = vectors.ROOT / name
        terminalreporter.write_line(f"vectors missing: {place}; their tests did not run")
    if not missing or _REQUIRED:
        for line in _disagreements():
            terminalreporter.write_line(f"vectors.toml disagrees: {line}", red=True)
    counts = ", ".join(f"{name} {count}" for name, count in sorted(PASSED.items()))
    terminalreporter.write_line(f"vectors passed: {counts or 'none'}")
