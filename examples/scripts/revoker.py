"""The office again: it revokes the first resident's card, and anybody can tell since when.

Run issuer.py before, over the same folder. Afterwards verifier.py does not let the resident in.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cityid import Verifier, did, keys, policy, registry, status

PASSPHRASE = "of the office, which alone should know it"
LIST = "https://city.example/revoked/1"


def main(folder: Path) -> None:
    """Revoke a card, and verify it as of today and as of the day before."""
    if not (folder / "office.keys").exists():
        sys.exit(f"there is no office in {folder}: run issuer.py before")
    store = keys.KeyStore.open(folder / "office.keys", PASSPHRASE)
    office = did.create("key", signer=store.signer("office"))
    ledger = registry.connect(f"file:{folder / 'city.registry'}")
    places = status.FileAllocator(folder / "office.allocator")
    card = (folder / "resident-000.json").read_bytes()

    # One bit is set for good, and the list signed anew. It is one more record in the registry,
    # which keeps the lists of before: nobody, the office included, can revoke in the past.
    status.reopen(ledger, office, LIST, allocator=places).revoke(card)

    verifier = Verifier(resolver=did.resolver(ledger), registry=ledger)
    of_office = policy.IssuedBy({office.did})
    now = datetime.now(UTC)
    for day, at in (("today", now), ("the day before", now - timedelta(days=1))):
        result = verifier.verify(card, policy=of_office, at=at)
        print(f"{day}: {'permitted' if result else result.errors[0].title}")
    places.close()
    ledger.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Revoke the first resident's card.")
    options.add_argument("folder", type=Path, metavar="FOLDER", help="the one of issuer.py")
    main(options.parse_args().folder)
