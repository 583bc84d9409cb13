"""What to do about each kind of problem, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cityid.errors import Code

ADVICE: Mapping[Code, str] = MappingProxyType(
    {
        Code.PARSING_ERROR: (
            "Look at the line and column told; send UTF-8 without a byte order mark."
        ),
        Code.MALFORMED_VALUE_ERROR: "Correct the member at the path.",
        Code.DUPLICATE_KEY: "Write each member once.",
        Code.NUMBER_OUT_OF_RANGE: "Send large numbers as text.",
        Code.TOO_DEEP: "Flatten the document, or raise the limit where you control the input.",
        Code.INVALID_UNICODE: "Repair the text at its source.",
        Code.INPUT_TOO_LARGE: "Send less.",
        Code.INVALID_ENCODING: "Encode without padding, in the base that the prefix names.",
        Code.COMPLEXITY_LIMIT_EXCEEDED: "Give nodes an id; treat a stranger's document as hostile.",
        Code.INVALID_KEY: "Ask its owner for the public key.",
        Code.INVALID_SIGNATURE: "Do not believe the document.",
        Code.INVALID_SIGNATURE_ENCODING: "Send the raw form.",
        Code.NON_CANONICAL_SIGNATURE: "Have the signer normalize it.",
        Code.INSECURE_PERMISSIONS: "chmod 600 it, and think about who may have read it.",
        Code.WRONG_PASSPHRASE: "Try the right one; there is no other way in.",
        Code.PROOF_GENERATION_ERROR: "Take a suite that fits the key.",
        Code.PROOF_VERIFICATION_ERROR: "Do not believe the document.",
        Code.DATA_LOSS_DETECTION_ERROR: "Define the term in a context, or leave the member out.",
        Code.INVALID_CHALLENGE_ERROR: "Pass challenge=; ask for a new presentation.",
        Code.INVALID_DOMAIN_ERROR: "Pass domain=, your own name; phishing looks like this.",
        Code.PROOF_EXPIRED: "Ask the signer for a new proof.",
        Code.PROOF_NOT_YET_VALID: "Set the clocks right.",
        Code.KEY_EXPIRED: "Ask for a proof with the present key.",
        Code.KEY_REVOKED: "Do not believe it, whatever created says.",
        Code.KEY_SINCE_REVOKED: "Nothing, unless the key was stolen before it was revoked.",
        Code.KEY_SINCE_ROTATED: "Nothing: keys are rotated as a matter of course.",
        Code.ORDER_UNPROVEN: "Pass recorded=, the record that a registry made of the document.",
        Code.UNKNOWN_ORDER: "Ask the controller to sign again, with the present key.",
        Code.NO_EVIDENCE: "Pass the record whose data is this document or its digest.",
        Code.CONTEXT_NOT_ALLOWED: "Review it, then admit it: CONTEXTS.with_context(url, document).",
        Code.SCHEMA_NOT_ALLOWED: "Review it, then add it: SCHEMAS.with_schema(url, document).",
        Code.SCHEMA_TOO_COMPLEX: "Simplify the schema.",
        Code.SCHEMA_VIOLATION: "Correct the member told.",
        Code.DIGEST_MISMATCH: "Fetch the right version; suspect tampering.",
        Code.INVALID_DID: "Compare with the DID's source.",
        Code.INVALID_DID_URL: "Compare with the URL's source.",
        Code.INVALID_DID_DOCUMENT: "did.check_document lists every fault.",
        Code.INVALID_OPTIONS: "Correct the call.",
        Code.NOT_FOUND: "Look at what was named.",
        Code.METHOD_NOT_SUPPORTED: "Pass methods=, fetch= or documents=.",
        Code.FEATURE_NOT_SUPPORTED: "Ask for less.",
        Code.REPRESENTATION_NOT_SUPPORTED: "Ask for application/did.",
        Code.INTERNAL_ERROR: "Report it to the method's author.",
        Code.INVALID_VERIFICATION_METHOD_URL: "The signer must name it fully.",
        Code.INVALID_CONTROLLED_IDENTIFIER_DOCUMENT_ID: (
            "The signer must name the method by its document's own id."
        ),
        Code.INVALID_VERIFICATION_METHOD: "The signer may have rotated keys.",
        Code.INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD: (
            "The controller must list the key for this use."
        ),
        Code.DEREFERENCING_CYCLE: "Correct the services in the documents.",
        Code.ADDRESS_NOT_ALLOWED: (
            "Suspect an attack on your network; never widen allow= for strangers' DIDs."
        ),
        Code.TIMEOUT: "Try again; have the document in hand instead.",
        Code.UNREACHABLE: "Try again; have the document in hand instead.",
        Code.ISSUER_MISMATCH: "Do not believe it; when issuing, sign with the issuer's key.",
        Code.ISSUER_NOT_TRUSTED: "Add it to IssuedBy, if it should be believed.",
        Code.HOLDER_BINDING_FAILED: "The subject must present it.",
        Code.CREDENTIAL_NOT_YET_VALID: "Come back later.",
        Code.CREDENTIAL_EXPIRED: "Ask the issuer for a new one.",
        Code.RANGE_ERROR: "The entry lies outside of its list: ask the issuer for a new one.",
        Code.STATUS_RETRIEVAL_ERROR: (
            "Pass registry= or status_lists=, or try again; it is not known to be good."
        ),
        Code.STATUS_VERIFICATION_ERROR: "Ask the list's issuer; do not take the credential yet.",
        Code.STATUS_LIST_LENGTH_ERROR: "Ask the list's issuer for one of 131,072 entries.",
        Code.STATUS_NOT_CHECKED: "Ask for a credential with a BitstringStatusListEntry.",
        Code.STATUS_CHANGED: "Verify again, and decide again.",
        Code.STATUS_STALE: "Ask the list's issuer to publish it anew.",
        Code.STATUS_LIST_FULL: "Publish another list.",
        Code.CREDENTIAL_REVOKED: "Do not take it; it stays revoked.",
        Code.CREDENTIAL_SUSPENDED: "Do not take it now; it may be lifted later.",
        Code.TRUST_LIST_UNAVAILABLE: "Ask the authority to publish its list; then try again.",
        Code.ALERT_FAILED: "Repair the function that alert= names.",
        Code.TRUST_LIST_INCONSISTENT: "Stop believing this registry; compare it with a mirror.",
        Code.REPLAY_DETECTED: "Ask for a new presentation.",
        Code.SINGLE_USE_NOT_CHECKED: "Pass nonces=.",
        Code.CREDENTIAL_MISSING: "Ask the holder for it.",
        Code.CLAIM_MISSING: "Ask the holder for a credential that has it.",
        Code.POLICY_DENIED: "This is the answer.",
        Code.NOT_VERIFIED: "Read the other problems of the result.",
        Code.REGISTRY_UNAVAILABLE: "Look at disk, rights, network; then try again.",
        Code.REGISTRY_CONFLICT: "Read the log again, decide again, append again.",
        Code.REGISTRY_UNDETERMINED: "Ask more nodes, of more operators; find the one that lies.",
        Code.WRITE_REFUSED: "Have the key admitted, or ask the owner of the log.",
        Code.HISTORY_PRUNED: "Ask a node that keeps the history (an archive node).",
        Code.STORE_CORRUPT: "Stop; restore from a backup or mirror.",
        Code.STORE_LOCKED: "Try again.",
        Code.NOT_SUPPORTED: "See Not built yet.",
    }
)
"""Told where a problem has no better advice of its own; the error reference has the same."""
