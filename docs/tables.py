"""The tables that follow from the code: ``python docs/tables.py`` writes them into their pages.

A table stands between ``<!-- table: NAME -->`` and ``<!-- /table -->``. In the tables of limits and
of executed vectors, the numbers alone are written. The tests hold every page to all of it.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from pathlib import Path

DOCS = Path(__file__).resolve().parent
SOURCES = DOCS.parent / "src" / "cityid"
EXECUTED = DOCS.parent / "tests" / "vectors.toml"
DID_CORE = DOCS.parent / "tests" / "specs" / "test_did_core.py"

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- /table -->)", re.DOTALL)
_URL = re.compile(r"https?://[^\s,;()]+")
_COUNT = re.compile(r"^\| `([\w.-]+)` \| *[\d,]+ *\|", re.MULTILINE)
_LIMIT = re.compile(r"^(\| [^|]+ \|) [\d,.]+ (\| `([\w.]+)` \|)$", re.MULTILINE)
_STANDARDS = {
    "c2sp.org": "C2SP: signed notes, checkpoints and proofs of transparency logs",
    "chainagnostic.org/CAIPs": "Chain Agnostic Improvement Proposals",
    "csrc.nist.gov": "NIST SP 800-186",
    "datatracker.ietf.org/doc/html/draft-ietf-oauth-status-list": "IETF draft: Token Status List",
    "docs.soliditylang.org": "Contract ABI of Solidity",
    "ethereum.github.io/execution-apis": "Ethereum execution APIs",
    "ethereum.github.io/yellowpaper": "Ethereum yellow paper",
    "ethereum.org/developers/docs/data-structures-and-encoding": "Ethereum data structures",
    "github.com/decentralized-identity/ethr-did-resolver": "did:ethr",
    "github.com/multiformats": "Multiformats",
    "github.com/quartzjer/did-jwk": "did:jwk",
    "hub.ebsi.eu/apis/pilot/trusted-issuers-registry": "EBSI Trusted Issuers Registry",
    "hyperelliptic.org/EFD": "Explicit-Formulas Database",
    "identity.foundation/didwebvh": "did:webvh 1.0",
    "identity.foundation/peer-did-method-spec": "did:peer",
    "json-schema.org/draft/2020-12": "JSON Schema 2020-12",
    "trustoverip.github.io/tswg-trust-registry-protocol": "Trust Registry Query Protocol 2.0",
    "nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-38G": "NIST SP 800-38G",
    "w3c-ccg.github.io/did-key-spec": "did:key",
    "w3c-ccg.github.io/did-method-web": "did:web",
    "standards.chainagnostic.org/CAIPs": "Chain Agnostic Improvement Proposals",
    "www.ietf.org/archive/id/draft-irtf-cfrg-bbs": "CFRG draft: BBS signatures",
    "www.ietf.org/archive/id/draft-irtf-cfrg-pairing": "CFRG draft: pairing-friendly curves",
    "www.jsonrpc.org/specification": "JSON-RPC 2.0",
    "www.secg.org/sec1": "SEC 1",
    "www.sqlite.org": "SQLite",
    "www.w3.org/TR/SRI": "Subresource Integrity",
    "www.w3.org/TR/cid": "Controlled Identifiers 1.0",
    "www.w3.org/TR/did-1.1": "DIDs 1.1",
    "www.w3.org/TR/did-resolution": "DID Resolution",
    "www.w3.org/TR/json-ld11-api": "JSON-LD 1.1 Processing Algorithms and API",
    "www.w3.org/TR/json-ld11/": "JSON-LD 1.1",
    "www.w3.org/TR/rdf-canon": "RDF Dataset Canonicalization",
    "www.w3.org/TR/vc-bitstring-status-list": "Bitstring Status List 1.0",
    "www.w3.org/TR/vc-data-integrity": "VC Data Integrity 1.0",
    "www.w3.org/TR/vc-data-model-1.1": "VC Data Model 1.1",
    "www.w3.org/TR/vc-data-model-2.0": "VC Data Model 2.0",
    "www.w3.org/TR/vc-di-ecdsa": "VC Data Integrity ECDSA Cryptosuites 1.0",
    "www.w3.org/TR/vc-di-eddsa": "VC Data Integrity EdDSA Cryptosuites 1.0",
    "www.w3.org/TR/vc-json-schema": "VC JSON Schema",
    "www.w3.org/TR/vc-recognized-entities": "VC Recognized Entities 1.0",
    "www.w3.org/TR/xmlschema11-2": "XML Schema 1.1 Datatypes",
}


def specified() -> dict[str, list[str]]:
    """Return what implements each place of a specification, by the place's URL."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        for name, docstring in _documented(ast.parse(path.read_text(encoding="utf-8"))):
            _, _, section = docstring.partition("Spec:")
            for url in _URL.findall(section):
                found[url].append(".".join(filter(None, (module, name))))
    return dict(found)


def _documented(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, str]]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef
    if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
        yield prefix, docstring
    for child in ast.iter_child_nodes(node):
        if isinstance(child, kinds):
            yield from _documented(child, f"{prefix}.{child.name}".lstrip("."))


def standard(url: str) -> str:
    """Return the title of the standard that a URL leads into."""
    place = url.removeprefix("https://")
    rfc = re.match(r"www\.rfc-editor\.org/rfc/rfc(\d+)", place)
    if rfc:
        return f"RFC {rfc[1]}"
    eip = re.match(r"eips\.ethereum\.org/EIPS/eip-(\d+)", place)
    if eip:
        return f"EIP-{eip[1]}"
    return next(title for start, title in _STANDARDS.items() if place.startswith(start))


def coverage() -> str:
    """Return the table of the specifications' places and what implements them."""
    places = sorted((standard(url), url, names) for url, names in specified().items())
    lines = ["| Standard | Place | Implemented by |", "|---|---|---|"]
    previous = ""
    for title, url, names in places:
        _, _, anchor = url.partition("#")
        code = "<br>".join(f"`{name}`" for name in sorted(set(names)))
        lines.append(
            f"| {title if title != previous else ''} | [{anchor or 'whole'}]({url}) | {code} |"
        )
        previous = title
    return "\n".join(lines) + "\n"


def rules() -> str:
    """Return the tables of the named rules of the data model."""
    from cityid.credential import RULES

    lines: list[str] = []
    for kind, table in RULES.items():
        lines += ["", f"### Document: {kind}", "", "| Rule | Demand |", "|---|---|"]
        for name, rule in table.items():
            demand = (rule.__doc__ or "").splitlines()[0].replace("``", "`")
            lines.append(f"| `{name}` | {demand} |")
    return "\n".join(lines[1:]) + "\n"


def excluded() -> str:
    """Return the table of the recordings in ``did-core`` that are not agreed with, by reason."""
    reasons: dict[str, str] = {}
    rows: dict[str, list[str]] = defaultdict(list)
    for node in ast.parse(DID_CORE.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                reasons[name] = text
            case ast.AnnAssign(target=ast.Name(id="EXCLUDED"), value=ast.Dict() as table):
                for key, value in zip(table.keys, table.values, strict=True):
                    file, index = ast.literal_eval(key or ast.Constant(("", None)))
                    reason = reasons[value.id] if isinstance(value, ast.Name) else value.value
                    part = "its documents" if index is None else f"execution {index}"
                    rows[reason].append(f"`{file}` ({part})")
    lines = ["| Why | Recordings |", "|---|---|"]
    lines += [f"| {reason} | {', '.join(files)} |" for reason, files in rows.items()]
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[], str]] = {
    "coverage": coverage,
    "excluded": excluded,
    "rules": rules,
}


def with_tables(page: str) -> str:
    """Return a page with its tables written anew."""
    return _BLOCK.sub(lambda match: match[1] + TABLES[match[2]]() + match[4], page)


def with_counts(page: str) -> str:
    """Return a page with the numbers of executed vectors written anew."""
    executed = tomllib.loads(EXECUTED.read_text(encoding="utf-8"))["executed"]
    return _COUNT.sub(lambda match: f"| `{match[1]}` | {executed.get(match[1], 0):,} |", page)


def with_limits(page: str) -> str:
    """Return a page with the limits that it tells written anew."""
    return _LIMIT.sub(lambda match: f"{match[1]} {_shown(constant(match[3]))} {match[2]}", page)


def _shown(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:,}"


def constant(dotted: str) -> int | float:
    """Return a constant by its name, relative to ``cityid``."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(["cityid", *parts[:end]])
        with suppress(ModuleNotFoundError):
            module = import_module(name)
            with suppress(AttributeError):
                value: int | float = attrgetter(".".join(parts[end:]))(module)
                return value
    raise LookupError(f"a table names {dotted}, which is not there")


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page with the text that it should have."""
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "_build" not in path.parts:
            yield path, with_limits(with_counts(with_tables(text)))


if __name__ == "__main__":
    for page, text in pages():
        if page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
