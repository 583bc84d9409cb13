"""Starting: the interpreter, the import, the first verification; and how much memory it takes."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import documents
from benchmarks.measure import Row

_IMPORT_MS = 40
_MANY = 1000
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_VERIFY = """
import sys
import cityid
from cityid import did, policy
from datetime import datetime
document = open(sys.argv[1], "rb").read()
result = cityid.verify(
    document,
    policy=policy.IssuedBy({sys.argv[2]}),
    resolver=did.resolver(),
    at=datetime.fromisoformat(sys.argv[3]),
)
sys.exit(not result)
"""


def starting(rounds: int) -> Iterator[Row]:
    """Measure processes by their CPU time, each in its turn."""
    with TemporaryDirectory() as folder:
        commands = {"interpreter": ["-c", "pass"], "import": ["-c", "import cityid"]}
        for name in ("rdfc", "jcs"):
            case = documents.case(f"eddsa-{name}-2022")
            path = Path(folder) / f"{name}.json"
            path.write_bytes(case.secured)
            issuer, moment = str(case.issuer.did), documents.JUDGED.isoformat()
            commands[name] = ["-c", _VERIFY, str(path), issuer, moment]
        environment = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
        environment["PYTHONPYCACHEPREFIX"] = folder
        for arguments in commands.values():
            _cpu_ms(arguments, environment)  # writes the bytecode, as an installation does
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(max(7, rounds // 3)):
            for name, arguments in commands.items():
                times[name].append(_cpu_ms(arguments, environment))
    bare, imported = median(times["interpreter"]), median(times["import"])
    detail = f"{imported:.1f} ms, the interpreter alone {bare:.1f} ms"
    beyond = median(
        after - before for before, after in zip(times["interpreter"], times["import"], strict=True)
    )
    yield Row(
        "import cityid, beyond the interpreter", beyond, "ms", detail, _IMPORT_MS, at_most=True
    )
    for name in ("rdfc", "jcs"):
        yield Row(f"cold process, one eddsa-{name}-2022 verify", median(times[name]), "ms")


def _cpu_ms(arguments: list[str], environment: dict[str, str]) -> float:
    before = _children()
    subprocess.run([sys.executable, *arguments], check=True, env=environment)
    return (_children() - before) * 1e3


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def memory(rounds: int) -> Iterator[Row]:
    """Measure what one verification needs, and what many of them leave behind."""
    del rounds  # memory has no noise
    case = documents.case("eddsa-rdfc-2022")
    case.verify()
    tracemalloc.start()
    case.verify()
    before = _traced()
    tracemalloc.reset_peak()
    case.verify()
    peak = tracemalloc.get_traced_memory()[1]
    yield Row("memory of one eddsa-rdfc-2022 verify", (peak - before) / 1e3, "kB")
    for _ in range(_MANY):
        case.verify()
    left = (_traced() - before) / 1e3
    tracemalloc.stop()
    yield Row(f"memory left after {_MANY} of them", left, "kB", "", 100, at_most=True)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    yield Row("largest resident memory of this run, PyLD included", resident, "MB")


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
