"""What entries are likely to say, so that compressed ones need not say it: they refer to it.

Every entry on every chain was compressed against exactly these bytes and can be read with no
others. They can never change; better ones would be a new form beside this one.

An entry of did:webvh shrinks to a quarter with them, and to less than half without.
"""

from __future__ import annotations

from typing import Final

_RARE = (
    '","nonce":"","domain":"","challenge":"","description":"","name":"'
    '","service":[{"id":"#files","type":"relativeRef","serviceEndpoint":"https://","LinkedDomains'
    '","alsoKnownAs":["did:web:"],"capabilityDelegation":["did:'
    '"keyAgreement":["did:","capabilityInvocation":["did:","controller":["did:'
    '"type":"JsonWebKey","publicKeyJwk":{"kty":"EC","crv":"P-256","x":"","y":"'
    '","kty":"OKP","crv":"Ed25519","x":"'
    '"EcdsaSecp256k1RecoveryMethod2020","blockchainAccountId":"eip155:1:0x'
    '"deactivated":true,"portable":true,"updateKeys":[],"ttl":3600,"watchers":["https://'
    '","witness":{"threshold":,"witnesses":[{"id":"did:key:z6Mk'
    '"eddsa-rdfc-2022","ecdsa-jcs-2019","ecdsa-rdfc-2019","verificationMethod":"did:key:zDn'
    '"credentialSchema":{"id":"https://","type":"JsonSchema"}'
    '"credentialStatus":{"id":"","type":"BitstringStatusListEntry","statusPurpose":"suspension"'
    ',"statusListIndex":"","statusListCredential":"'
    "\n— "
)
_STATUS_LIST = (
    '{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"https://'
    '","type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"did:key:z6Mk'
    '","validFrom":"2026-01-01T00:00:00Z","validUntil":"2027-01-01T00:00:00Z"'
    ',"credentialSubject":{"id":"https://#list-1","type":"BitstringStatusList"'
    ',"statusPurpose":"revocation"'
    ',"encodedList":"uH4sIAAAAAAACA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"'
    ',"ttl":300000},"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022"'
    ',"created":"2026-01-01T00:00:00Z","verificationMethod":"did:key:z6Mk'
    '","proofPurpose":"assertionMethod","@context":["https://www.w3.org/ns/credentials/v2"]'
    ',"proofValue":"z'
)
_HISTORY = (
    '{"@context":["https://www.w3.org/ns/did/v1.1"],"id":"did:key:z6Mk'
    '{"versionId":"1-Qm","versionTime":"2026-01-01T00:00:00Z","parameters":{"updateKeys":["z6Mk"]'
    ',"nextKeyHashes":["Qm"],"method":"did:webvh:1.0","scid":"Qm"},"state":{"@context":['
    '"https://www.w3.org/ns/did/v1","https://w3id.org/security/multikey/v1"],"id":"did:webvh:Qm"'
    ',"verificationMethod":[{"id":"did:webvh:Qm#key-1","type":"Multikey"'
    ',"controller":"did:webvh:Qm","publicKeyMultibase":"z6Mk"}]'
    ',"authentication":["did:webvh:Qm#key-1"],"assertionMethod":["did:webvh:Qm#key-1"]}'
    ',"proof":[{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022"'
    ',"verificationMethod":"did:key:z6Mk#z6Mk","created":"2026-01-01T00:00:00Z"'
    ',"proofPurpose":"assertionMethod","proofValue":"z"}]}'
)

DICTIONARY: Final = (_RARE + _STATUS_LIST + _HISTORY).encode()
"""The bytes before the first byte; what is most often met comes last, in easy reach."""
