import itertools

import pytest

from cityid.errors import Code, InvalidInputError, NotFoundError
from cityid.report import Check, Outcome, Problem, Report, combined, worst

EXPIRED = Problem(Code.CREDENTIAL_EXPIRED, "expired", "ask for a new one", "/validUntil")
MISSING = Problem(Code.PROOF_EXPIRED, "no proof")


def test_a_problem_is_told_as_rfc_9457_says():
    assert EXPIRED.to_dict() == {
        "type": "urn:cityid:problem:CREDENTIAL_EXPIRED",
        "title": "expired",
        "detail": "ask for a new one",
        "path": "/validUntil",
    }
    assert MISSING.to_dict() == {
        "type": Code.PROOF_EXPIRED.value,
        "title": "no proof",
        "detail": "Ask the signer for a new proof.",
    }


def test_a_problem_is_short():
    problem = Problem(Code.PARSING_ERROR, "x" * 5000, "y" * 5000)
    assert (len(problem.title), len(problem.detail)) == (1000, 1000)


def test_an_exception_is_told_as_a_problem():
    error = InvalidInputError("wrong", code=Code.NUMBER_OUT_OF_RANGE, path="/a")
    problem = Problem.from_error(error, detail="mend it", path="/vc")
    assert problem == Problem(Code.NUMBER_OUT_OF_RANGE, "wrong (at /a)", "mend it", "/vc/a")
    assert Problem.from_error(NotFoundError("gone", ref="r")).path == ""


def test_checks_are_told_as_json():
    assert Check.passed("proof").to_dict() == {"name": "proof", "outcome": "passed", "path": ""}
    assert Check.failed("validity", EXPIRED, "/vc").to_dict() == {
        "name": "validity",
        "outcome": "failed",
        "path": "/vc",
        "problem": EXPIRED.to_dict(),
    }


def test_each_outcome_has_its_maker():
    assert Check.passed("a", "/p") == Check("a", Outcome.PASSED, "/p")
    assert Check.skipped("a", "/p") == Check("a", Outcome.SKIPPED, "/p")
    assert Check.failed("a", MISSING) == Check("a", Outcome.FAILED, "", MISSING)
    assert Check.inconclusive("a", MISSING) == Check("a", Outcome.INCONCLUSIVE, "", MISSING)


def test_a_report_is_seen_from_the_document_around_it():
    report = Report((Check.passed("proof"), Check.failed("validity", EXPIRED, "/x")), (MISSING,))
    moved = report.under("/vc/0")
    assert [check.path for check in moved] == ["/vc/0", "/vc/0/x"]
    assert [problem.path for problem in moved.errors] == ["/vc/0/validUntil"]
    assert [warning.path for warning in moved.warnings] == ["/vc/0"]
    assert report.checks[0].path == ""


def test_reports_add_up_in_order():
    one = Report((Check.passed("a"),), (MISSING,))
    two = Report((Check.passed("b"),), (EXPIRED,))
    both = one + two
    assert [check.name for check in both] == ["a", "b"]
    assert both.warnings == (MISSING, EXPIRED)


def test_errors_are_what_failed_or_could_not_be_run():
    report = Report(
        (
            Check.passed("a"),
            Check("b", Outcome.SKIPPED, problem=MISSING),
            Check.failed("c", EXPIRED),
            Check("d", Outcome.FAILED),
            Check.inconclusive("e", MISSING),
        )
    )
    assert report.errors == (EXPIRED, MISSING)


def test_the_outcome_of_a_name_is_the_worst_of_its_checks():
    report = Report(
        (Check.passed("proof"), Check.inconclusive("proof", MISSING), Check.passed("status"))
    )
    assert report.outcome("proof") is Outcome.INCONCLUSIVE
    assert report.outcome("status") is Outcome.PASSED
    assert report.outcome("schema") is Outcome.SKIPPED


SEVERITY = [Outcome.SKIPPED, Outcome.PASSED, Outcome.INCONCLUSIVE, Outcome.FAILED]


@pytest.mark.parametrize(("milder", "graver"), [*itertools.combinations(SEVERITY, 2)])
def test_the_graver_outcome_wins(milder, graver):
    assert worst([milder, graver]) is worst([graver, milder]) is graver


def test_nothing_asked_is_skipped_and_never_passed():
    assert worst([]) is Outcome.SKIPPED


def test_many_problems_are_told_as_the_first_of_them():
    assert combined([EXPIRED]) is EXPIRED
    whole = combined([EXPIRED, MISSING, Problem(Code.NUMBER_OUT_OF_RANGE, "too much", path="/a")])
    assert (whole.code, whole.title, whole.path) == (EXPIRED.code, "expired", "/validUntil")
    assert whole.detail.startswith("ask for a new one Also wrong: ")
    assert "no proof" in whole.detail
    assert "/a: too much" in whole.detail
    assert combined([MISSING, EXPIRED]).detail == "Also wrong: /validUntil: expired"
