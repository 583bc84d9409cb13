"""Run every notebook of the examples from top to bottom, each in an empty folder, off line.

    python tests/run_notebooks.py [NOTEBOOK ...]

The kernel is the Python that runs this file, and it cannot reach the network. A notebook fails
when a cell raises, and when it was committed with outputs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

NOTEBOOKS = Path(__file__).parents[1] / "examples" / "notebooks"
_SECONDS_A_CELL = 30
_OFFLINE = """
def _keep_off_the_network():
    import sys
    forbidden = {"socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}
    def refuse(event, arguments):
        if event in forbidden:
            raise PermissionError(f"a notebook must not reach the network ({event})")
    sys.addaudithook(refuse)
_keep_off_the_network()
del _keep_off_the_network
"""


class ThisPython(AsyncKernelManager):
    """A kernel of the interpreter that runs this file, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """What starts the kernel."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(
            argv=[*command, f"--IPKernelApp.exec_lines={[_OFFLINE]!r}", "--log-level=ERROR"],
            display_name="Python 3",
            language="python",
        )


def faults(notebook: Any) -> list[str]:
    """Return what is wrong with a notebook as it was committed."""
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        return ["the format is not 4.5"]
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        return [str(error)]
    found = [
        f"cell {cell.id} has outputs; clear all outputs before committing"
        for cell in notebook.cells
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    return found


def run(notebook: Any) -> None:
    """Run a notebook in an empty folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"IPYTHONDIR": f"{folder}/ipython", "JUPYTER_RUNTIME_DIR": f"{folder}/run"}
        workplace = Path(folder, "work")
        workplace.mkdir()
        NotebookClient(
            notebook,
            timeout=_SECONDS_A_CELL,
            kernel_manager_class=ThisPython,
            resources={"metadata": {"path": str(workplace)}},
        ).execute()


def main(names: list[str]) -> int:
    """Run the notebooks and return the exit status."""
    paths = [Path(name) for name in names] or sorted(NOTEBOOKS.glob("*.ipynb"))
    failed = 0 if paths else 1
    for path in paths:
        notebook, began = nbformat.read(path, as_version=nbformat.NO_CONVERT), time.perf_counter()
        wrong = faults(notebook)
        try:
            run(notebook)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            wrong.append(str(error))
        failed += bool(wrong)
        print(f"{'failed' if wrong else 'ok':8}{path.name}  {time.perf_counter() - began:.1f} s")  # noqa: T201 - a command line prints
        for each in wrong:
            print(each, file=sys.stderr)  # noqa: T201 - a command line prints
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
