"""did:ethr here and in the JavaScript resolver: the same chain, the same DIDs, each version.

``make interop`` installs what this needs and runs it. Both resolve on one chain, whose histories
are made at random; whatever they say otherwise must be one of the differences that are known.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import chains
from cityid import did, encoding, keys
from cityid.did.methods import ethr
from ethr_chain import Published, published

SCRIPT = Path(__file__).with_name("ethr_resolve.mjs")
USES = ("authentication", "assertionMethod", "keyAgreement")

KNOWN = {
    "type": "keys of the types of 2018 and 2019, where the specification names those of 2020",
    "form": "a key in the encoding of its attribute's name, where its type has one of its own",
    "context": "one context for every document, where each type of key has its own",
    "sigAuth": "what is there to authenticate may assert too",
    "deactivated": "an empty document of a DID that was given up, and not none",
    "revocation": "a delegate is listed in the second that revokes him, under a new name",
    "enc": "a key agreement key that was revoked is still referred to",
}
"""What the JavaScript resolver says otherwise, by a word for each."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and tell what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", type=Path, help="the folder with node_modules of the resolver")
    parser.add_argument("--node", default="node", help="the program that runs JavaScript")
    parser.add_argument("--rounds", type=int, default=12, help="how many DIDs to change")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    begin = int(time.time()) - 86_400  # so that the chain is behind both clocks
    with chains.anvil(block_time=None, arguments=["--timestamp", str(begin)]) as node:
        node.ask("evm_setAutomine", True)  # noqa: FBT003 - a parameter of the node's
        town = published(node)
        urls = [*histories(town, random.Random(options.seed), options.rounds)]  # noqa: S311
        theirs = ask_javascript(options.node, options.modules, node.url, town, urls)
        resolver = town.resolver()
        met: Counter[str] = Counter()
        faults: list[str] = []
        for url, other in zip(urls, theirs, strict=True):
            subject, _, version = url.partition("?versionId=")
            own = resolver.resolve(subject, did.ResolutionOptions(version_id=version or None))
            met.update(compare(url, own.to_dict(), other, faults))
    for fault in faults:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{len(urls)} resolutions, {len(faults)} unknown differences\n")
    for name, count in sorted(met.items()):
        sys.stdout.write(f"{count:6} {name}: {KNOWN[name]}\n")
    return bool(faults)


def histories(town: Published, chance: random.Random, rounds: int) -> Iterator[str]:
    """Change DIDs at random, and give the URL of each version of each."""
    for number in range(rounds):
        name = f"owner {number}"
        key = chains.key(name).public_key
        subject = ethr.did_of_key(key, "city")
        control = ethr.control(subject, town.chain, town.sender(name), networks=town.networks)
        first = town.chain.latest().number
        added: list[tuple[str, bytes]] = []
        for _ in range(chance.randrange(9)):
            change(control, chance, added)
        if number % 4 == 3:
            control.deactivate()
        elif number % 4 == 2:
            control.change_owner("0x" + "ab" * 20)
        address = f"did:ethr:city:0x{ethr.account_of(subject).address.hex()}"
        for one in (str(subject), address):
            yield one
            for block in range(first, town.chain.latest().number + 1):
                yield f"{one}?versionId={block}"


def change(control: ethr.Controller, chance: random.Random, added: list[tuple[str, bytes]]) -> None:
    """Change something, or take it back."""
    validity = timedelta(seconds=chance.choice([3, 10**8]))
    delegate = "0x" + bytes([chance.randrange(1, 3)] * 20).hex()
    kind = chance.choice(["veriKey", "sigAuth"])
    what = chance.randrange(5)
    if what == 0:
        control.add_delegate(kind, delegate, validity=validity)
    elif what == 1:
        control.revoke_delegate(kind, delegate)
    elif what == 2 and added:
        control.revoke_attribute(*chance.choice(added))
    elif what == 3:
        control.add_service("Hub", f"https://{chance.randrange(3)}.example", validity=validity)
    else:
        added.append(attribute(chance))
        control.set_attribute(*added[-1], validity=validity)


def attribute(chance: random.Random) -> tuple[str, bytes]:
    """Return a key as an attribute."""
    algorithm, purposes, hints = chance.choice(
        [
            ("Ed25519", ("veriKey", "sigAuth"), ("", "/hex", "/base64", "/base58")),
            ("X25519", ("enc",), ("", "/base64", "/base58")),
            ("Secp256k1", ("veriKey", "sigAuth"), ("", "/hex")),
            ("Quantum", ("veriKey", "sigAuth", "enc"), ("", "/hex", "/base64", "/base58")),
        ]
    )
    name = f"did/pub/{algorithm}/{chance.choice(purposes)}{chance.choice(hints)}"
    if algorithm == "Quantum":
        return name, chance.randbytes(40)
    return name, keys.generate(
        algorithm.replace("S", "s"), seed=chance.randbytes(32)
    ).public_key.data


def ask_javascript(
    program: str, modules: Path, rpc: str, town: Published, urls: Sequence[str]
) -> list[dict[str, Any]]:
    """Return what the JavaScript resolver says of each DID URL."""
    network = town.networks["city"]
    command = [program, SCRIPT, modules.resolve(), rpc, str(network.chain_id), network.registry]
    said = subprocess.run(
        list(map(str, command)), input="\n".join(urls), capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    return [json.loads(line) for line in said.stdout.splitlines()]


def compare(
    url: str, own: Mapping[str, Any], other: Mapping[str, Any], faults: list[str]
) -> set[str]:
    """Compare two answers; return the known differences met, and add unknown ones to `faults`."""

    def differ(what: str, here: object, there: object) -> None:
        if here != there:
            faults.append(f"{url}: {what}: here {here}, there {there}")

    ours, theirs = own["didDocument"], other["didDocument"]
    metadata = own["didDocumentMetadata"]
    differ("metadata", metadata, other["didDocumentMetadata"])
    if metadata.get("deactivated"):
        differ("deactivated", (ours, theirs["verificationMethod"]), (None, []))
        return {"deactivated"}
    met = {"context"} if ours["@context"] != theirs["@context"] else set()
    listed, mentioned = materials(ours), materials(theirs)
    for name in revoked(url, listed, mentioned):
        met.add("revocation")
        theirs = without(theirs, name)
        mentioned.pop(name)
    differ("keys", *({n: m["raw"] for n, m in found.items()} for found in (listed, mentioned)))
    for name in listed.keys() & mentioned.keys():
        met |= {word for word in ("type", "form") if listed[name][word] != mentioned[name][word]}
    for use in USES:
        more = set(theirs.get(use, ())) - set(ours.get(use, ()))
        word = known_use(use, more, theirs)
        met |= {word} if word else set()
        there = set(theirs.get(use, ())) - (more if word else set())
        differ(use, set(ours.get(use, ())), there)
    differ("services", ours.get("service", []), theirs.get("service", []))
    return met


def known_use(use: str, more: set[str], theirs: Mapping[str, Any]) -> str:
    """Return by which word it is known that more keys are there for a use."""
    if use == "assertionMethod" and more and more <= set(theirs["authentication"]):
        return "sigAuth"
    there = {method["id"] for method in theirs["verificationMethod"]}
    return "enc" if use == "keyAgreement" and more and more.isdisjoint(there) else ""


def revoked(url: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return the delegates that are listed there alone, in the second that revoked them."""
    return [
        name
        for name, method in theirs.items()
        if name not in ours and method["form"] == "blockchainAccountId" and "?versionId=" in url
    ]


def without(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a document without a verification method."""
    methods = [method for method in document["verificationMethod"] if method["id"] != name]
    uses = {use: [n for n in document.get(use, ()) if n != name] for use in USES}
    return {**document, "verificationMethod": methods, **uses}


def materials(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each method's type, the form of its key, and the key itself."""
    found = {}
    for method in document["verificationMethod"]:
        (form,) = method.keys() - {"id", "type", "controller"}
        raw = raw_key(form, method[form])
        found[method["id"]] = {"type": method["type"], "form": form, "raw": raw}
    return found


def raw_key(form: str, value: Any) -> str:
    """Return a key in hexadecimal, or an account, whatever form it is given in."""
    if form == "publicKeyHex":
        return str(value)
    if form == "publicKeyBase64":
        return base64.b64decode(value).hex()
    if form == "publicKeyBase58":
        return encoding.base58btc_decode(value).hex()
    if form == "publicKeyMultibase":
        return keys.from_multikey(value).data.hex()
    if form == "publicKeyJwk":
        return keys.from_jwk(value).data.hex()
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
