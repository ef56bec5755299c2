/**
 * Every code that Talos throws. Closed: a code is added here, with its line, or it does not exist.
 * `docs/errors.md` is generated from this file. Refusals of a call are not errors: see `DenialCode` in capability/denial.
 * @module
 */

/** Misuse of the API: the caller's code has to change. */
export type UsageErrorCode =
  /** An argument has the wrong type, length or range. */
  | 'TALOS_USAGE_ARGUMENT'
  /** The object was closed; make a new one. */
  | 'TALOS_USAGE_CLOSED'
  /** This combination of options cannot work; the message names the one to change. */
  | 'TALOS_USAGE_OPTIONS'
  /** A tool of a shape the adapter does not know: it cannot be guarded, so it is refused at set-up. */
  | 'TALOS_USAGE_UNKNOWN_TOOL';

/** Bytes or text that are not what their format says. The offset is given, the content never. */
export type EncodingErrorCode =
  /** Not canonical hex, base64, base64url, base58 or UTF-8. */
  | 'TALOS_ENCODING_TEXT'
  /** Truncated, trailing or over-long binary data. */
  | 'TALOS_ENCODING_BYTES'
  /** JSON that is malformed, too deep, has a duplicate key, or a number or string outside I-JSON. */
  | 'TALOS_ENCODING_JSON';

/** A primitive refused its input. */
export type CryptoErrorCode =
  /** A public key of the wrong length, non-canonical, or of small order. */
  | 'TALOS_CRYPTO_BAD_KEY'
  /** The signature does not verify under this key. */
  | 'TALOS_CRYPTO_SIGNATURE'
  /** The key agreement gave the all-zero point (RFC 7748 §6.1). */
  | 'TALOS_CRYPTO_WEAK_SHARED_SECRET'
  /** The ciphertext does not open under this key, nonce and associated data. */
  | 'TALOS_CRYPTO_OPEN';

export type IdentityErrorCode =
  /** Not a did:key of an Ed25519 key. */
  | 'TALOS_IDENTITY_BAD_DID'
  /** The key history is malformed, has a bad signature, a gap, or a rotation that was not committed to. */
  | 'TALOS_IDENTITY_BAD_HISTORY'
  /** Two signed events with one sequence: the identity is refused for good. */
  | 'TALOS_IDENTITY_EQUIVOCATION'
  /** The key was revoked. */
  | 'TALOS_IDENTITY_REVOKED'
  /** A key that is not the pinned one, and no signed history that leads to it; the message names the fix. */
  | 'TALOS_IDENTITY_KEY_CHANGED'
  /** This peer was not pinned, and only pinned ones are accepted. */
  | 'TALOS_IDENTITY_NOT_PINNED'
  /** The identity, or what is kept of a peer's keys, is older than what this machine remembers: its home was restored from a copy, or changed. */
  | 'TALOS_IDENTITY_ROLLED_BACK'
  /** The identity card is malformed, or not signed by the identity it names. */
  | 'TALOS_IDENTITY_BAD_CARD'
  /** The prekey bundle is malformed, expired, or not signed by the identity it names. */
  | 'TALOS_IDENTITY_BAD_BUNDLE'
  /** The key store cannot be opened: wrong passphrase or damaged file. */
  | 'TALOS_IDENTITY_LOCKED'
  /** A dev identity (no passphrase) is refused when NODE_ENV is production. */
  | 'TALOS_IDENTITY_DEV_IN_PRODUCTION';

export type StoreErrorCode =
  /** The store did not keep the write; nothing was changed. */
  | 'TALOS_STORE_WRITE_FAILED'
  /** The store could not be read. */
  | 'TALOS_STORE_READ_FAILED'
  /** Stored data is malformed or was changed outside Talos. */
  | 'TALOS_STORE_CORRUPT'
  /** Another writer was first: reload and try again. */
  | 'TALOS_STORE_CONFLICT'
  /** The store's software is too old to be durable; the message names the version to use. */
  | 'TALOS_STORE_UNSUPPORTED';

export type TransportErrorCode =
  /** The frame was not taken over by the transport. It stays in the outbox. */
  | 'TALOS_TRANSPORT_SEND_FAILED'
  /** The relay cannot be reached, or the connection to it was lost. It is tried again. */
  | 'TALOS_TRANSPORT_UNREACHABLE'
  /** The relay refused; the message says what, `retryable` whether it may take it later. */
  | 'TALOS_TRANSPORT_REFUSED'
  /** The directory has no bundle of this agent: it never published one, or all have expired. */
  | 'TALOS_TRANSPORT_NO_BUNDLE'
  /** The relay said something that is not the protocol. The connection was closed. */
  | 'TALOS_TRANSPORT_PROTOCOL';

/** A call was refused; `denialCode` says why. Thrown only where a framework needs an exception. */
export type DeniedErrorCode = 'TALOS_DENIED';

export type CapabilityErrorCode =
  /** A grant that cannot be issued as asked; the message names the member. */
  | 'TALOS_CAPABILITY_INVALID_GRANT'
  /** A revocation list that is malformed, not signed by its issuer, has a gap, or is of an issuer that this verifier does not follow. */
  | 'TALOS_CAPABILITY_BAD_REVOCATIONS'
  /** A revocation list that is older than, or differs from, one that was seen before. */
  | 'TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK'
  /** A request for an approval that is malformed, expired, not signed by who asks, or not about the arguments that are shown. */
  | 'TALOS_CAPABILITY_BAD_APPROVAL_REQUEST';

export type AuditErrorCode =
  /** The inclusion proof does not lead from the leaf to the root. */
  | 'TALOS_AUDIT_INCLUSION'
  /** The consistency proof does not lead from the old root to the new one. */
  | 'TALOS_AUDIT_CONSISTENCY'
  /** The signed note is malformed, or no signature of the expected key is on it. */
  | 'TALOS_AUDIT_BAD_NOTE'
  /** The time stamp is malformed, not of a trusted authority, or of another checkpoint. */
  | 'TALOS_AUDIT_BAD_TIMESTAMP'
  /** The trust policy is malformed; the message names the line. */
  | 'TALOS_AUDIT_BAD_POLICY'
  /** The log signed the checkpoint, and the witnesses that cosigned it are no quorum of the policy. */
  | 'TALOS_AUDIT_NOT_WITNESSED'
  /** The equivocation file is malformed, or its two checkpoints may both be of one log. */
  | 'TALOS_AUDIT_BAD_EQUIVOCATION'
  /** The entry is malformed, too large or not canonical. */
  | 'TALOS_AUDIT_BAD_ENTRY'
  /** A tile, a bundle of entries or its path is not what c2sp.org/tlog-tiles says. */
  | 'TALOS_AUDIT_BAD_TILE'
  /** The entry or the tree size is not in this log. */
  | 'TALOS_AUDIT_NOT_FOUND'
  /** A legal hold covers what was to be erased: nothing was. */
  | 'TALOS_AUDIT_HELD'
  /** The commitment does not open to this payload and salt. */
  | 'TALOS_AUDIT_COMMITMENT'
  /** More entries wait for the disk than the log keeps in memory. Retry when earlier ones are durable. */
  | 'TALOS_AUDIT_OVERLOADED'
  /** An earlier write failed: the log takes no more entries until it is opened again. */
  | 'TALOS_AUDIT_STOPPED'
  /** Stored rows and stored head differ, or the head is behind the last signed one. */
  | 'TALOS_AUDIT_DIVERGED'
  /** The log is behind the head that was signed last: it was restored from a copy. See `recoverLog`. */
  | 'TALOS_AUDIT_ROLLED_BACK';

export type SessionErrorCode =
  /** The frame does not open: forged, damaged, replayed or not for this session. One code for all of them. */
  | 'TALOS_SESSION_AUTH_FAILED'
  /** No session with this peer or id. */
  | 'TALOS_SESSION_UNKNOWN'
  /** This message was opened before. */
  | 'TALOS_SESSION_DUPLICATE'
  /** A bound was reached; the message names it. */
  | 'TALOS_SESSION_LIMIT'
  /** The handshake is malformed, unauthenticated, or names an unknown prekey. */
  | 'TALOS_SESSION_BAD_HANDSHAKE'
  /** The peer's key makes the shared secret predictable. */
  | 'TALOS_SESSION_WEAK_PEER_KEY'
  /** Stored session state is malformed or of an unknown version. */
  | 'TALOS_SESSION_BAD_STATE'
  /** The store holds an older state than was committed: it was restored from a copy. Establish a new session. */
  | 'TALOS_SESSION_ROLLED_BACK';

export type EvidenceErrorCode =
  /** The evidence file is not canonical JSON of the closed format; the message names the place. Cut off, reformatted, or with a claim twice. */
  | 'TALOS_EVIDENCE_MALFORMED'
  /** The evidence file is of a version that this reader does not know. */
  | 'TALOS_EVIDENCE_VERSION'
  /** More than an evidence file may hold; the message names the bound. Make several files. */
  | 'TALOS_EVIDENCE_LIMIT'
  /** A statement is not signed by a key that is known to have spoken for its party then. */
  | 'TALOS_EVIDENCE_SIGNATURE'
  /** What was asked for cannot be proved from this log: nothing was signed, or what opens a commitment was erased. */
  | 'TALOS_EVIDENCE_NOT_PROVABLE';

export type ReceiptErrorCode =
  /** A request, outcome or countersignature of a remote call that is not of the form of docs/spec/07. */
  | 'TALOS_RECEIPT_MALFORMED'
  /** It is not signed by the key of who should have signed it, or that key is not known. */
  | 'TALOS_RECEIPT_SIGNATURE'
  /** It is genuine, and about another request, another outcome or another result. */
  | 'TALOS_RECEIPT_MISMATCH';

export type RemoteErrorCode =
  /** The peer said something about a call that is not the protocol. */
  | 'TALOS_REMOTE_MALFORMED'
  /** Arguments, a result or a chunk above the bound that the message names. */
  | 'TALOS_REMOTE_TOO_LARGE'
  /** The peer did not answer in time. */
  | 'TALOS_REMOTE_NO_ANSWER'
  /** A tool of this name is served already, or what is served is no tool. */
  | 'TALOS_REMOTE_BAD_TOOL'
  /** A call of a framework ended without a result: cancelled, unknown or disputed; the message says which. */
  | 'TALOS_REMOTE_NOT_DONE'
  /** The remote tool threw; `cause` holds its name and message as the peer sent them. */
  | 'TALOS_REMOTE_TOOL_FAILED';

export type ErrorCode =
  | UsageErrorCode
  | EncodingErrorCode
  | CryptoErrorCode
  | IdentityErrorCode
  | StoreErrorCode
  | TransportErrorCode
  | DeniedErrorCode
  | CapabilityErrorCode
  | AuditErrorCode
  | EvidenceErrorCode
  | SessionErrorCode
  | ReceiptErrorCode
  | RemoteErrorCode;
