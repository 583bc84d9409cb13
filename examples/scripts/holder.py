"""The holder: a resident keeps a credential in an encrypted wallet and presents it when asked.

Run issuer.py before. The first call puts the credential into the wallet and waits for a verifier's
request; verifier.py sends one, and lets this script answer it by calling it again.
"""

import argparse
import json
import sys
from pathlib import Path

import cityid
from cityid import did

PASSPHRASE = "of the first resident, who alone should know it"


def receive(folder: Path) -> None:
    """Put the credential that the office has sent into the wallet."""
    if not (folder / "resident-000.wallet").exists():
        sys.exit(f"there is no wallet in {folder}: run issuer.py before")
    wallet = cityid.Wallet.open(folder / "resident-000.wallet", PASSPHRASE)
    credential = (folder / "resident-000.json").read_bytes()
    wallet.put(credential, name="resident card")

    # A phone can be lost. A backup under another passphrase, kept elsewhere, brings everything
    # back: cityid.Wallet.restore(backup, path, passphrase).
    backup = folder / "resident-000.backup"
    if not backup.exists():
        wallet.backup(backup, "another passphrase, kept at home")
    print(f"holding {', '.join(entry.name for entry in wallet.list())}")


def answer(folder: Path) -> None:
    """Answer a verifier's request with a presentation that is good for this one request."""
    wallet = cityid.Wallet.open(folder / "resident-000.wallet", PASSPHRASE)
    me = did.create("key", signer=wallet.signer("me"))
    request = json.loads((folder / "request.json").read_text())

    # The signature covers the challenge (so it answers this request and no other) and the domain
    # (so that a service cannot pass it on to another service in one's name). A real wallet shows
    # its owner both, and what is about to be revealed, and asks before it signs.
    cards = [entry.credential for entry in wallet.list() if entry.name == "resident card"]
    if not cards:
        sys.exit("the wallet holds no card yet: run holder.py before verifier.py")
    presentation = cityid.present(
        cards, by=me, challenge=request["challenge"], domain=request["domain"]
    )
    (folder / "presentation.json").write_text(presentation.to_json(), encoding="utf-8")
    print(f"presented to {request['domain']}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Keep a credential, or present it when asked.")
    options.add_argument("folder", type=Path, metavar="FOLDER", help="the one of issuer.py")
    place = options.parse_args().folder
    (answer if (place / "request.json").exists() else receive)(place)
