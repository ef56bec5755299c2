/** What the reader of an evidence file trusts. It never comes from the file. @module */
import { verifyCheckpoint, type Checkpoint } from '../audit/checkpoint.ts';
import { parseTlogPolicy, type TlogPolicy } from '../audit/tlog-policy.ts';
import { parseVerifierKey, type VerifierKey } from '../audit/verifier-key.ts';
import { equalBytes } from '../bytes/equal.ts';
import { requireFunction, requireObject, requireText } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import { isAgentId, type AgentId } from '../identity/agent-id.ts';
import { verifyKeyHistory, type KeyHistory } from '../identity/key-history.ts';
import { foreignType } from './parse-evidence.ts';

export type TrustedLog = {
  /** `name+hash+keydata`. The name is the origin, epoch and all: a log that went on after a fork has another one. */
  readonly verifierKey: string;
  /** The checkpoint of this log that the reader saw last and kept: a log that does not continue it has shown two histories. */
  readonly lastSeen?: string;
};

export type TrustedAgent = {
  readonly did: AgentId;
  /** The agent's history as the reader pinned it; the file's has to continue it, or be its beginning. */
  readonly history?: KeyHistory;
};

/** What a plug-in has to judge: bytes that are said to be about this checkpoint, whose signature was verified. */
export type ForeignClaim = { readonly data: Uint8Array; readonly checkpoint: Checkpoint; readonly note: string };

/** Checks claims of one foreign type. It brings its own trust: certificates, a chain's node. */
export interface ForeignVerifier {
  /** As in the file: `rfc3161`, `evm`. */
  readonly type: string;
  /** Resolves with one sentence that says what was proved, `time`: seconds since 1970 at which the checkpoint existed at the latest. Rejects if the claim is false. */
  verify(claim: ForeignClaim): Promise<{ readonly detail: string; readonly time?: number }> | { readonly detail: string; readonly time?: number };
}

export type EvidenceTrust = {
  /** Logs that the reader trusts to sign for themselves. Others read "not checked". */
  readonly logs?: readonly (string | TrustedLog)[];
  /** Logs, witnesses and quorum as c2sp.org/tlog-policy, parsed or as text. */
  readonly policy?: string | TlogPolicy;
  readonly agents?: readonly (AgentId | TrustedAgent)[];
  readonly verifiers?: readonly ForeignVerifier[];
};

export type Trust = {
  readonly logs: ReadonlyMap<string, { readonly key: VerifierKey; readonly lastSeen: Checkpoint | undefined }>;
  readonly policy: TlogPolicy | undefined;
  readonly agents: ReadonlyMap<string, KeyHistory | undefined>;
  readonly verifiers: ReadonlyMap<string, ForeignVerifier>;
};

/**
 * Reads the trust before the file: a mistake in it must not look like a verdict.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT`, or `TALOS_USAGE_OPTIONS` if two keys have one origin, or two verifiers one type.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` or `_BAD_POLICY`; {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY` on a pinned history.
 */
export function readTrust(trust: EvidenceTrust): Trust {
  requireObject('trust', trust);
  const policy = typeof trust.policy === 'string' ? parseTlogPolicy(trust.policy) : trust.policy;
  const logs = new Map<string, { key: VerifierKey; lastSeen: Checkpoint | undefined }>();
  for (const each of listOf('trust.logs', trust.logs)) addLog(logs, typeof each === 'string' ? { verifierKey: each } : each);
  for (const { key } of policy?.logs ?? []) if (!isTrusted(logs, key)) addLog(logs, { key });
  const agents = new Map<string, KeyHistory | undefined>();
  for (const each of listOf('trust.agents', trust.agents)) addAgent(agents, typeof each === 'string' ? { did: each } : each);
  const verifiers = new Map<string, ForeignVerifier>();
  for (const verifier of listOf('trust.verifiers', trust.verifiers)) addVerifier(verifiers, verifier);
  return { logs, policy, agents, verifiers };
}

function listOf<T>(title: string, value: readonly T[] | undefined): readonly T[] {
  if (value !== undefined && !Array.isArray(value)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `${title} must be an array` });
  return value ?? [];
}

function addLog(logs: Map<string, { key: VerifierKey; lastSeen: Checkpoint | undefined }>, log: TrustedLog | { readonly key: VerifierKey }): void {
  requireObject('trust.logs[…]', log);
  const key = 'key' in log ? log.key : parseVerifierKey(log.verifierKey);
  const note = 'key' in log ? undefined : log.lastSeen;
  if (logs.has(key.name)) throw misuse(`two keys of trust are of the log ${key.name}: pass the one that signs now`);
  logs.set(key.name, { key, lastSeen: note === undefined ? undefined : verifyCheckpoint(note, key) });
}

/** Named in both places. Another key under that name is not passed over: the reader's trust would say two things. */
function isTrusted(logs: ReadonlyMap<string, { readonly key: VerifierKey }>, { name, publicKey }: VerifierKey): boolean {
  const present = logs.get(name)?.key;
  return present !== undefined && equalBytes(present.publicKey.bytes, publicKey.bytes);
}

function addAgent(agents: Map<string, KeyHistory | undefined>, { did, history }: TrustedAgent): void {
  if (!isAgentId(did)) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'trust.agents holds what is no did:key' });
  if (agents.has(did)) throw misuse('an agent of trust stands twice');
  if (history !== undefined && verifyKeyHistory(history).did !== did) throw misuse('a pinned history of trust is of another agent');
  agents.set(did, history);
}

function addVerifier(verifiers: Map<string, ForeignVerifier>, verifier: ForeignVerifier): void {
  requireObject('trust.verifiers[…]', verifier);
  requireText('verifier.type', verifier.type);
  requireFunction('verifier.verify', (verifier as { readonly verify: unknown }).verify);
  if (!foreignType.test(verifier.type))
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'verifier.type is 1 to 64 characters of a-z, 0-9, "." and "-"' });
  if (verifiers.has(verifier.type)) throw misuse(`two verifiers of trust are for ${verifier.type}`);
  verifiers.set(verifier.type, verifier);
}

function misuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
