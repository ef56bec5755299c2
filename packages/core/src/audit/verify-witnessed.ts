/** A checkpoint under a policy: its log's signature and the quorum of its witnesses. @module */
import { equalBytes } from '../bytes/equal.ts';
import { AuditError } from '../errors/audit-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { parseCheckpoint, verifyCheckpoint, type Checkpoint } from './checkpoint.ts';
import { verifyCosignatures, type CosignatureOptions } from './cosignature.ts';
import { isQuorum, type PolicyWitness, type TlogPolicy } from './tlog-policy.ts';
import type { VerifierKey } from './verifier-key.ts';

/** Who cosigned, by the policy's name, and when: seconds since 1970. */
export type WitnessedBy = { readonly witness: string; readonly time: number };

export type WitnessedCheckpoint = {
  readonly checkpoint: Checkpoint;
  /** Each witness of the policy once, with its latest time. More than the quorum needs, perhaps. */
  readonly witnessedBy: readonly WitnessedBy[];
};

export type VerifyWitnessedOptions = CosignatureOptions & {
  readonly policy: TlogPolicy;
  /** The log that is meant. Needed if the policy lists none; if it lists some, this is one of them. Default: any of the policy's. */
  readonly log?: VerifierKey;
};

/**
 * Returns if a log of the policy signed the checkpoint and its quorum cosigned it.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_NOTE` if the log or a witness did not sign what it is said to have signed; `TALOS_AUDIT_NOT_WITNESSED` if
 * the cosignatures are not enough.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if neither policy nor options name a log, or the policy does not list the one that is meant.
 */
export function verifyWitnessed(note: string | Uint8Array, options: VerifyWitnessedOptions): WitnessedCheckpoint {
  const { policy } = options;
  const key = logKey(note, options);
  const checkpoint = verifyCheckpoint(note, key);
  const witnessedBy = witnessesOf(note, options);
  if (
    !isQuorum(
      policy,
      witnessedBy.map(({ witness }) => witness),
    )
  ) {
    throw new AuditError({
      code: 'TALOS_AUDIT_NOT_WITNESSED',
      message: `the checkpoint is not witnessed: ${witnessedBy.length} of the policy's ${policy.witnesses.length} witnesses cosigned it, and they are no quorum`,
    });
  }
  return { checkpoint, witnessedBy };
}

function logKey(note: string | Uint8Array, { policy, log }: VerifyWitnessedOptions): VerifierKey {
  if (policy.logs.length === 0 && log === undefined) throw misuse('the policy lists no log: pass the one that is meant');
  if (log !== undefined && policy.logs.length > 0 && !policy.logs.some(({ key }) => isSameKey(key, log))) throw misuse('the policy does not list this log');
  if (log !== undefined) return log;
  const { origin } = parseCheckpoint(note);
  const listed = policy.logs.filter(({ key }) => key.name === origin);
  // Two keys under one name: a log that changes its key. The note says which of them signed.
  const [found, another] = listed.length > 1 ? listed.filter(({ key }) => signedBy(note, key)) : listed;
  if (found === undefined || another !== undefined)
    throw new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message: 'the checkpoint was refused: it is not of one log of the policy' });
  return found.key;
}

/** By name and id only: whether the signature is good is checked afterwards. */
function signedBy(note: string | Uint8Array, key: VerifierKey): boolean {
  return parseCheckpoint(note).signatures.some(({ name, keyId }) => name === key.name && equalBytes(keyId, key.keyId));
}

function witnessesOf(note: string | Uint8Array, { policy, notAfter }: VerifyWitnessedOptions): WitnessedBy[] {
  const keys = policy.witnesses.map(({ key }) => key);
  const found = verifyCosignatures(note, keys, notAfter === undefined ? {} : { notAfter });
  return policy.witnesses.flatMap((witness) => {
    const times = found.filter((cosignature) => isOf(witness, cosignature)).map(({ time }) => time);
    return times.length === 0 ? [] : [{ witness: witness.name, time: Math.max(...times) }];
  });
}

function isOf({ key }: PolicyWitness, { name, keyId }: { readonly name: string; readonly keyId: Uint8Array }): boolean {
  return key.name === name && equalBytes(key.keyId, keyId);
}

function isSameKey(a: VerifierKey, b: VerifierKey): boolean {
  return a.name === b.name && equalBytes(a.publicKey.bytes, b.publicKey.bytes);
}

function misuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
