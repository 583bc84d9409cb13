"""The issuer: a registry office turns the rows of its register into signed credentials.

Run the scripts one after the other over one folder, which stands for the network:

    python issuer.py FOLDER && python holder.py FOLDER && python verifier.py FOLDER
    python revoker.py FOLDER

A real resident makes his own DID on his own phone and proves it when he collects the credential.
Here the office makes the keys too and hands each over in a wallet file, so that it can be seen.
"""

import argparse
import csv
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cityid
from cityid import did, keys, registry, status
from cityid.demo import resident_credential

RESIDENTS = Path(__file__).parents[1] / "data" / "residents.csv"
PASSPHRASE = "of the first resident, who alone should know it"
OFFICE_PASSPHRASE = "of the office, which alone should know it"
LIST = "https://city.example/revoked/1"


def main(folder: Path) -> None:
    """Issue a credential to each of the 200 residents, and give the first one a wallet."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        sys.exit(f"{folder} is no empty folder, and nothing is overwritten")
    folder.mkdir(parents=True, exist_ok=True)

    # The office's key stays in the office, in an encrypted store. The world needs its DID alone,
    # which holds the public key. A verifier must learn that DID from somebody it believes: here,
    # from a file.
    store = keys.KeyStore.create(folder / "office.keys", OFFICE_PASSPHRASE)
    store.add("office", keys.generate("Ed25519"))
    office = did.create("key", signer=store.signer("office"))
    (folder / "office.did").write_text(str(office.did))

    with RESIDENTS.open(encoding="utf-8", newline="") as register:
        rows = list(csv.DictReader(register))
    residents = [keys.generate("Ed25519") for _ in rows]

    # All this happened a day ago, so that revoker.py can ask for the day before. The list in which
    # the office can revoke is public; which place in it is whose, only the office knows.
    now = datetime.now(UTC) - timedelta(days=1)
    ledger = registry.connect(f"file:{folder / 'city.registry'}", clock=lambda: now)
    places = status.FileAllocator(folder / "office.allocator", block=100)
    revoked = status.publish(
        ledger, office, LIST, purpose="revocation", allocator=places, decoys=100, at=now
    )

    # An unsigned credential is plain JSON: who is spoken of (his DID), and what is said of him.
    # It declares a schema, and the office refuses to sign what does not fit it.
    unsigned = [
        resident_credential(row, did.create("key", signer=key).did, now.date())
        for row, key in zip(rows, residents, strict=True)
    ]
    credentials = cityid.issue_many(
        unsigned, by=office, valid_for=timedelta(days=5 * 365), status=revoked, at=now
    )
    for number, credential in enumerate(credentials):
        (folder / f"resident-{number:03}.json").write_text(credential.to_json(), encoding="utf-8")

    places.close()
    ledger.close()

    # The wallet is encrypted with a passphrase, and holds the key beside the credentials.
    wallet = cityid.Wallet.create(folder / "resident-000.wallet", PASSPHRASE)
    wallet.add_key("me", residents[0])
    print(f"issued {len(rows)} credentials into {folder}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Issue 200 credentials into a folder.")
    options.add_argument("folder", type=Path, metavar="FOLDER", help="new or empty")
    main(options.parse_args().folder)
