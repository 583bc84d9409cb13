"""What to do about a problem, in the words of the command line: options instead of arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from cityid.errors import CityIdError, Code
from cityid.report import Problem, Report
from cityid.result import Result

_CONTEXT = "--context URL=FILE"
_SCHEMA = "--schema URL=FILE"
_OPTIONS: Mapping[Code, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        Code.INVALID_CHALLENGE_ERROR: ((r"\bchallenge=", "--challenge TEXT"),),
        Code.INVALID_DOMAIN_ERROR: ((r"\bdomain=", "--domain HOST"),),
        Code.PROOF_GENERATION_ERROR: ((r" \(securing\.add_proof [^)]*\)", ""),),
        Code.INVALID_OPTIONS: (
            (r"\bdomain=", "--domain HOST"),
            (r"connect with signer=", "name the key before the command, cityid --signer NAME …"),
        ),
        Code.SINGLE_USE_NOT_CHECKED: ((r"\bnonces=", "--nonces FILE"),),
        Code.METHOD_NOT_SUPPORTED: (
            (r"a registry, a fetch= or its log in hand", "--registry URL, or --online"),
            (r"\ba fetch=", "--online, or --did-document FILE"),
            (
                r"methods=, fetch= or documents=",
                "--registry URL for did:webvh, --did-document FILE, or --online",
            ),
        ),
        Code.STATUS_RETRIEVAL_ERROR: (
            (r"\bregistry=", "--registry URL"),
            (r"\bbrought along", "brought along (--status-list FILE)"),
        ),
        Code.TRUST_LIST_UNAVAILABLE: ((r"\bregistry=", "--registry URL"),),
        Code.CONTEXT_NOT_ALLOWED: (
            (r", or pass contexts=\S+with_inline\(\)", f" and pass {_CONTEXT}"),
            (r"(contexts=)?(cityid\.)?CONTEXTS\.with_context\(.*?, document\)", _CONTEXT),
        ),
        Code.SCHEMA_NOT_ALLOWED: (
            (r"SCHEMAS\.with_schema\(.*?, document\)", _SCHEMA),
            (r"\bwith_schema\b", _SCHEMA),
        ),
        Code.ISSUER_NOT_TRUSTED: ((r"\b(to|in) IssuedBy\b", "with --issuer DID"),),
        Code.ADDRESS_NOT_ALLOWED: ((r"; never widen allow= for strangers' DIDs", ""),),
        Code.INVALID_DID_DOCUMENT: ((r"did\.check_document lists every fault", "Correct it"),),
    }
)
"""For each kind of problem, which Python words stand for which option."""


def in_options(code: Code, text: str) -> str:
    """Return the text of a problem with options in place of Python's arguments."""
    for pattern, option in _OPTIONS.get(code, ()):
        text = re.sub(pattern, option, text)
    return text


def told(problem: Problem) -> Problem:
    """Return a problem as the command line tells it."""
    code = problem.code
    title, detail = in_options(code, problem.title), in_options(code, problem.advice)
    return replace(problem, title=title, detail=detail)


def told_error(error: CityIdError) -> Problem:
    """Return an error as the problem that the command line tells."""
    return told(Problem.from_error(error))


def told_result(result: Result) -> Result:
    """Return a result whose problems are as the command line tells them."""
    checks = tuple(
        check if check.problem is None else replace(check, problem=told(check.problem))
        for check in result.checks
    )
    return replace(result, report=Report(checks, tuple(map(told, result.warnings))))
