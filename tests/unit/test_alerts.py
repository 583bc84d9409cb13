"""Alerts: a verifier tells of what is shown by the wrong hands, and judges as it would without."""

from __future__ import annotations

import cityid
import town
from cityid import policy
from cityid.alerts import Alert, found_in, sounded
from cityid.errors import Code
from cityid.policy import Decision, Verdict
from cityid.report import Check, Problem, Report
from cityid.result import Result


def verify(by, **options):
    credential = cityid.issue(town.unsigned(town.alice()), by=town.office(), at=town.NOW)
    shown = cityid.present(
        [credential], by=by, challenge=town.CHALLENGE, domain=town.DOMAIN, at=town.NOW
    )
    return cityid.verify(
        shown,
        policy=policy.IssuedBy({town.office().did}),
        resolver=town.resolver(),
        challenge=town.CHALLENGE,
        domain=town.DOMAIN,
        at=town.NOW,
        **options,
    )


def test_foreign_credential_is_told_and_refused():
    heard = []
    assert not verify(town.bob(), alert=heard.append)
    (alert,) = heard
    assert (alert.kind, alert.at) == ("foreign", town.NOW)
    assert alert.check.path == "/verifiableCredential/0"


def test_own_credential_alerts_nobody():
    heard = []
    assert verify(town.alice(), alert=heard.append)
    assert heard == []


def test_alert_that_raises_changes_no_verdict():
    def raising(alert):
        raise RuntimeError(alert.kind)

    silent, loud = verify(town.bob()), verify(town.bob(), alert=raising)
    assert loud.decision == silent.decision
    assert loud.checks == silent.checks
    assert Code.ALERT_FAILED in [warning.code for warning in loud.warnings]
    assert verify(town.alice(), alert=raising)


def test_frozen_and_revoked_credentials_are_told():
    checks = [
        Check.failed("status", Problem(code, "set"), f"/credentialStatus/{number}")
        for number, code in enumerate((Code.CREDENTIAL_SUSPENDED, Code.CREDENTIAL_REVOKED))
    ]
    other = Check.failed("status", Problem(Code.STATUS_STALE, "old"))
    still = Check.inconclusive("status", Problem(Code.CREDENTIAL_SUSPENDED, "open"))
    report = Report((*checks, other, still, Check.passed("proof")))
    result = Result(report, Decision(Verdict.DENY), None)
    kinds = [alert.kind for alert in found_in(result, town.NOW)]
    assert kinds == ["frozen", "revoked"]
    assert sounded(result, None, town.NOW) is result
    heard: list[Alert] = []
    assert sounded(result, heard.append, town.NOW) is result
    assert [alert.check for alert in heard] == checks
