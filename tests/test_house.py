"""The house itself: what importing loads, what is public, what is documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import cityid
from cityid.errors import Code

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "cityid").rglob("*.py"))
HEAVY = {
    "base58",
    "coincurve",
    "cryptography",
    "joserfc",
    "jsonschema",
    "multiformats",
    "nacl",
    "orjson",
    "py_arkworks_bls12381",
    "pyld",
    "rich",
    "typer",
    "web3",
}
_LOADED = "import sys, json, cityid; print(json.dumps(sorted(sys.modules)))"


def run(*arguments):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_importing_cityid_loads_no_heavy_dependency():
    loaded = {name.partition(".")[0] for name in json.loads(run("-c", _LOADED).stdout)}
    assert "cityid" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("module", ["cityid", "cityid.cli", "cityid.demo"])
def test_importing_is_clean_under_warnings_as_errors(module):
    assert run("-W", "error", "-c", f"import {module}").stderr == ""


def test_the_public_face_is_this():
    assert set(cityid.__all__) == {
        "CONTEXTS", "SCHEMAS", "Check", "CityIdError", "Code", "ConflictError", "Contexts",
        "CorruptError", "Credential", "InvalidInputError", "NotFoundError", "Outcome",
        "Presentation", "Problem", "ProofGenerationError", "RegistryError", "Result", "Schemas",
        "UnsupportedError", "VerificationError", "Verifier", "Wallet", "did", "disclose", "issue",
        "issue_many", "keys", "policy", "present", "registry", "status", "trust", "verify",
        "verify_many",
    }  # fmt: skip
    assert all(hasattr(cityid, name) for name in cityid.__all__)
    assert set(cityid.__all__) <= set(dir(cityid))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = cityid.nothing


@pytest.mark.parametrize("name", cityid.__all__)
def test_each_public_name_comes_first_as_well_as_last(name):
    told = run("-c", f"import cityid; print(cityid.{name} is cityid.{name})")
    assert told.stdout == "True\n"


def _modules():
    packages = pkgutil.walk_packages(cityid.__path__, "cityid.")
    return [
        importlib.import_module(found.name) for found in packages if "__main__" not in found.name
    ]


@pytest.mark.parametrize("module", _modules(), ids=lambda module: module.__name__)
def test_every_name_in_all_exists_and_is_documented(module):
    assert inspect.getdoc(module)
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert inspect.getdoc(value), name


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_source_relies_on_assert_or_leaves_a_promise(source):
    text = source.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not re.search(r"TODO|FIXME|XXX|NotImplementedError|pragma: no cover", text)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_source_pickles_or_evaluates(source):
    banned = {"pickle", "marshal", "shelve", "yaml"}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not names & banned
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile"}


def test_files_and_functions_fit_in_the_head():
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, source
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                documented = len((ast.get_docstring(node) or "").splitlines())
                assert length - documented <= 60, f"{source}:{node.lineno}"


@pytest.mark.parametrize(
    ("package", "door"),
    [
        ("pyld", {"canonical"}),
        ("joserfc", {"securing"}),
        ("jsonschema", {"schema"}),
        ("multiformats", {"encoding"}),
        ("coincurve", {"keys"}),
        ("nacl", {"keys"}),
        ("orjson", {"compact_json"}),
        ("cryptography", {"keys"}),
        ("typer", {"cli"}),
        ("rich", {"display"}),
    ],
)
def test_each_dependency_has_one_door(package, door):
    pattern = re.compile(rf"^\s*(?:from|import) {package}\b", re.MULTILINE)
    users = {
        source.relative_to(ROOT / "src" / "cityid").parts[0].removesuffix(".py")
        for source in SOURCES
        if pattern.search(source.read_text(encoding="utf-8"))
    }
    assert users == door


def test_every_problem_code_has_a_row_in_the_reference():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert [code.name for code in Code if f"`{code.name}`" not in page] == []


def test_every_problem_code_is_used():
    used = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    assert [code.name for code in Code if f"Code.{code.name}" not in used] == []
