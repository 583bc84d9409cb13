"""The documentation: its code runs, its links lead somewhere, its tables say what the code says."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import erc1056
from cityid.advice import ADVICE
from cityid.errors import Code

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    if "_build" not in page.relative_to(ROOT).parts
)
REFERENCE = DOCS / "reference"
_FENCE = re.compile(r"^```(python|console)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def name(page):
    return str(page.relative_to(ROOT))


def text(page):
    return page.read_text(encoding="utf-8")


def blocks(page):
    """Yield language, first line and content of what a page wants run."""
    content = text(page)
    for fence in _FENCE.finditer(content):
        yield fence[1], content.count("\n", 0, fence.start()) + 2, fence[2]


def run_python(page, line, code, namespace):
    padded = "\n" * (line - 1) + code  # so that a traceback names the page's own line
    exec(compile(padded, str(page), "exec", dont_inherit=True), namespace)  # noqa: S102 - our own pages


def run_console(session):
    """Run the commands of a block; each line that is shown must come out, `…` being anything."""
    lines = session.splitlines()
    commands = [line[2:] for line in lines if line.startswith(("$ ", "> "))]
    shown = [line for line in lines if not line.startswith(("$ ", "> "))]
    ran = subprocess.run(
        ["/bin/bash", "-e", "-c", "\n".join(commands)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )
    assert ran.returncode == 0, ran.stderr
    came = [" ".join(line.split()) for line in (ran.stdout + ran.stderr).splitlines()]
    for line in shown:
        parts = " ".join(line.split()).split("…")
        pattern = re.compile(".*".join(re.escape(part) for part in parts))
        assert any(pattern.fullmatch(one) for one in came), f"{line!r} is not in:\n{ran.stdout}"


def runnable():
    """Yield the pages that want something run; commands take seconds."""
    for page in PAGES:
        languages = {language for language, _, _ in blocks(page)}
        if languages:
            slow = [pytest.mark.slow] if "console" in languages else []
            yield pytest.param(page, id=name(page), marks=slow)


@pytest.mark.parametrize("page", list(runnable()))
def test_what_a_page_shows_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CITYID_PASSPHRASE", "only for this tutorial")
    namespace = {"__name__": "__main__"}
    contract = erc1056.artefact()
    if contract is not None:
        (tmp_path / erc1056.ARTEFACT).write_bytes(contract.read_bytes())
    for language, line, content in blocks(page):
        if contract is None and erc1056.ARTEFACT in content:
            return  # what follows needs it too
        if language == "python":
            run_python(page, line, content, namespace)
        else:
            run_console(content)


def test_links_lead_somewhere():
    for page in PAGES:
        for target in _LINK.findall(text(page)):
            if not re.match("https?:", target):
                path, _, anchor = target.partition("#")
                other = page.parent / path if path else page
                assert other.exists(), f"{name(page)}: {target}"
                if anchor and other.suffix == ".md":
                    assert anchor in headings(other), f"{name(page)}: {target}"


def headings(page):
    titles = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_no_page_names_a_machine_or_a_package_index():
    hidden = re.compile(r"/home/|/work/|/Users/|pypi|npmjs|\.\./shared")
    assert [name(page) for page in PAGES if hidden.search(text(page))] == []


TABLES = runpy.run_path(str(DOCS / "tables.py"))


def test_tables_are_what_the_code_says():
    stale = [name(page) for page, written in TABLES["pages"]() if text(page) != written]
    assert stale == [], "run: python docs/tables.py"


def rows(page):
    """Return the cells of every table row of a page, without the code marks."""
    lines = [line for line in text(REFERENCE / page).splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def test_errors_tell_every_code_and_its_type():
    told = {cells[0]: cells[1] for cells in rows("errors.md") if cells[1].startswith(("urn", "ht"))}
    assert told == {code.name: code.value for code in Code}


def test_errors_give_the_advice_that_problems_give():
    advice = {cells[0]: cells[3] for cells in rows("errors.md") if len(cells) == 4}
    links = re.compile(r"\[([^]]+)\]\([^)]+\)")
    plain = {name: links.sub(r"\1", text).replace("`", "") for name, text in advice.items()}
    told = {code.name: text for code, text in ADVICE.items()}
    assert {name: plain[name] for name in told} == told
    assert set(ADVICE) == set(Code)


def test_conformance_tells_every_folder_that_is_run():
    executed = tomllib.loads((ROOT / "tests" / "vectors.toml").read_text("utf-8"))["executed"]
    counted = [cells for cells in rows("conformance.md") if cells[1].replace(",", "").isdecimal()]
    assert {cells[0]: int(cells[1].replace(",", "")) for cells in counted} == executed


def commands(group, prefix="cityid"):
    for name_, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name_}")
        else:
            yield f"{prefix} {name_}"


def test_every_command_is_told():
    import typer

    from cityid.cli.app import app

    told = {cells[0].partition(" [")[0] for cells in rows("cli.md")}
    told = {re.sub(r"( [A-Z]+)*( …)?$", "", command) for command in told}
    assert {command for command in told if command.startswith("cityid")} == set(
        commands(typer.main.get_command(app))
    )


def test_every_attack_that_is_told_has_its_test():
    page = text(DOCS / "explanation" / "threat-model.md")
    files = set(re.findall(r"tests/[\w/]+\.py", page))
    assert files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_picture_of_the_house_has_every_floor():
    picture = text(DOCS / "explanation" / "the-house.md").split("```")[1]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = " ".join(contracts["contracts"][0]["layers"])
    modules = set(re.findall(r"\b[a-z]\w+", layers))
    assert {module for module in modules if not re.search(rf"\b{module}\b", picture)} == set()


def test_every_decision_is_in_the_index():
    index = text(DOCS / "adr" / "index.md")
    assert [p.stem for p in DOCS.glob("adr/0*.md") if p.stem not in index] == []
