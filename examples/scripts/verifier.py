"""The verifier: the city's pool asks who comes in, and whether he is old enough.

Run issuer.py and holder.py before, over the same folder.
"""

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cityid import Verifier, did, policy, registry
from cityid.nonces import FileNonces, fresh_nonce

DOMAIN = "pool.city.example"


def main(folder: Path) -> None:
    """Ask the holder, judge the answer, and refuse to hear it twice."""
    # Whom to believe is the verifier's own decision, and it has no default: no signature is worth
    # anything without it. What to ask is a policy, which decides over proven facts alone.
    if not (folder / "office.did").exists():
        sys.exit(f"there is no office.did in {folder}: run issuer.py and holder.py before")
    office = (folder / "office.did").read_text()
    adult_resident = policy.access(issuers={office}, age_over=18)

    # The store remembers each challenge that was sent, and lets each be answered once, even where
    # several processes share the file. Without it an answer that was overheard would work again.
    nonces = FileNonces(folder / "challenges.db", issued_only=True)

    # The registry has the status lists. Without it nobody could tell whether a card was revoked,
    # and what cannot be told is not permitted.
    ledger = registry.connect(f"file:{folder / 'city.registry'}")
    verifier = Verifier(resolver=did.resolver(), registry=ledger, nonces=nonces)

    challenge = fresh_nonce()
    nonces.issue(challenge, expires=datetime.now(UTC) + timedelta(minutes=5))
    request = folder / "request.json"
    request.write_text(json.dumps({"challenge": challenge, "domain": DOMAIN}))
    holder = Path(__file__).with_name("holder.py")
    asked = subprocess.run([sys.executable, str(holder), str(folder)], check=False)  # noqa: S603 - our own script
    request.unlink()
    if asked.returncode:
        sys.exit("the holder gave no answer")

    # What comes back are bytes of a stranger. `verify` parses them strictly and never raises
    # because they are bad: the result lists every question, and why an answer was not good.
    answer = (folder / "presentation.json").read_bytes()
    result = verifier.verify(answer, policy=adult_resident, challenge=challenge, domain=DOMAIN)
    print(result.explain())
    if not result:
        sys.exit("not let in")
    facts = result.require()  # would raise here, had nobody asked before
    print("welcome,", facts.claim("/credentialSubject/givenName"))

    again = verifier.verify(answer, policy=adult_resident, challenge=challenge, domain=DOMAIN)
    print("the same answer again:", "let in" if again else again.errors[0].title)
    ledger.close()
    sys.exit(bool(again))


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Ask the holder, and judge the answer.")
    options.add_argument("folder", type=Path, metavar="FOLDER", help="the one of issuer.py")
    main(options.parse_args().folder)
