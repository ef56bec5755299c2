/**
 * Trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many of them have to have cosigned. Groups are for
 * organisations: a hundred keys of one operator are one voice. @module
 */
import { equalBytes } from '../bytes/equal.ts';
import { decodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireUint8Array } from '../errors/require.ts';
import { TalosError } from '../errors/talos-error.ts';
import { parseCosignerKey, type CosignerKey } from './cosignature.ts';
import { parseVerifierKey, type VerifierKey } from './verifier-key.ts';

export type PolicyLog = { readonly key: VerifierKey; readonly url: string | undefined };
/** `name` has a meaning within the policy only; `url` is the prefix of its submission address, if it is given. */
export type PolicyWitness = { readonly name: string; readonly key: CosignerKey; readonly url: string | undefined };
/** Has witnessed if at least `threshold` of its members have. Members are witnesses and earlier groups. */
export type PolicyGroup = { readonly name: string; readonly threshold: number; readonly members: readonly string[] };
export type TlogPolicy = {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** In the order of the file: a group comes after its members. */
  readonly groups: readonly PolicyGroup[];
  /** The witness or group that has to have witnessed; undefined for `quorum none`. */
  readonly quorum: string | undefined;
};

/** 128 definitions with addresses of 256 characters each fit. */
const maxPolicyBytes = 128 * 1024;
/** Of logs, of witnesses and of groups. The specification asks for 32. */
const maxDefinitions = 128;
const maxWordLength = 1024;

/** Predefined: no witness at all. It is no member and cannot be redefined. */
const nobody = 'none';

type Draft = {
  readonly logs: PolicyLog[];
  readonly witnesses: PolicyWitness[];
  readonly groups: PolicyGroup[];
  /** Names that are defined so far, and those that are in a group: in one at most, so that a witness has one voice. */
  readonly defined: Set<string>;
  readonly grouped: Set<string>;
  quorum: string | undefined;
  quorumLine: boolean;
};

/**
 * Reads a policy whole or refuses it: a line that is not understood could be the one that demands something.
 * @throws {@link AuditError} `TALOS_AUDIT_BAD_POLICY` naming the line: unknown or over-long lines, control characters, bytes that are not UTF-8, a
 * last line without its end, names that are not defined before, defined twice or in two groups, a key twice, a threshold that is not 1 to
 * the number of members, no quorum or two.
 */
export function parseTlogPolicy(policy: string | Uint8Array): TlogPolicy {
  const lines = toLines(policy);
  const draft: Draft = { logs: [], witnesses: [], groups: [], defined: new Set([nobody]), grouped: new Set(), quorum: undefined, quorumLine: false };
  for (const [i, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== '');
    if (words.length > 0 && !(words[0] as string).startsWith('#')) readLine(draft, words, i + 1);
  }
  const { logs, witnesses, groups, quorum, quorumLine } = draft;
  if (!quorumLine) throw refuse('it has no quorum: end it with "quorum <name>", or "quorum none"');
  return { logs, witnesses, groups, quorum };
}

/** Whether these witnesses, by their names in the policy, are enough. Names that the policy does not have count for nothing. */
export function isQuorum({ witnesses, groups, quorum }: TlogPolicy, cosigned: Iterable<string>): boolean {
  if (quorum === undefined) return true;
  const present = new Set(cosigned);
  const satisfied = new Set(witnesses.map(({ name }) => name).filter((name) => present.has(name)));
  for (const { name, threshold, members } of groups) if (members.filter((member) => satisfied.has(member)).length >= threshold) satisfied.add(name);
  return satisfied.has(quorum);
}

function toLines(policy: string | Uint8Array): string[] {
  if (typeof policy !== 'string') requireUint8Array('policy', policy);
  if (policy.length > maxPolicyBytes) throw refuse(`it has more than ${maxPolicyBytes} bytes`);
  const text = typeof policy === 'string' ? policy : decode(policy);
  // Everything but tab, newline and the control characters of ASCII (tlog-policy, character set).
  if (/[^\t\n\u0020-\u007e\u0080-\u{10ffff}]/u.test(text) || !text.isWellFormed()) throw refuse('it holds a control character or is not Unicode');
  // A file that was cut off within a line would ask for less than it did.
  if (!text.endsWith('\n')) throw refuse('its last line does not end in a newline');
  return text.slice(0, -1).split('\n');
}

function decode(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    throw refuse('it is not UTF-8', cause);
  }
}

function readLine(draft: Draft, words: readonly string[], line: number): void {
  const [keyword, ...rest] = words;
  if (words.some((word) => word.length > maxWordLength)) throw refuse(`line ${line}: a word is too long`);
  try {
    if (keyword === 'log') readLog(draft, rest);
    else if (keyword === 'witness') readWitness(draft, rest);
    else if (keyword === 'group') readGroup(draft, rest);
    else if (keyword === 'quorum') readQuorum(draft, rest);
    else throw refuse('it begins with none of log, witness, group and quorum');
  } catch (error) {
    if (!TalosError.isInstance(error)) throw error;
    throw refuse(`line ${line}: ${error.message}`, error);
  }
}

function readLog({ logs }: Draft, [vkey, url, ...more]: readonly string[]): void {
  if (vkey === undefined || more.length > 0) throw refuse('it is not "log <vkey> [<url>]"');
  const key = parseVerifierKey(vkey);
  requireRoom(logs);
  if (logs.some((log) => equalBytes(log.key.publicKey.bytes, key.publicKey.bytes))) throw refuse('another log has the same key');
  logs.push({ key, url });
}

function readWitness(draft: Draft, [name, vkey, url, ...more]: readonly string[]): void {
  if (name === undefined || vkey === undefined || more.length > 0) throw refuse('it is not "witness <name> <vkey> [<url>]"');
  const key = parseCosignerKey(vkey);
  requireRoom(draft.witnesses);
  if (draft.witnesses.some((witness) => equalBytes(witness.key.cosigner.bytes, key.cosigner.bytes))) throw refuse('another witness has the same key');
  define(draft, name);
  draft.witnesses.push({ name, key, url });
}

function readGroup(draft: Draft, [name, count, ...members]: readonly string[]): void {
  if (name === undefined || count === undefined || members.length === 0) throw refuse('it is not "group <name> all|any|<k> <name>..."');
  requireRoom(draft.groups);
  for (const member of members) {
    requireDefined(draft, member);
    if (draft.grouped.has(member)) throw refuse('a name is a member twice: each witness has one voice');
    draft.grouped.add(member);
  }
  draft.groups.push({ name, threshold: parseThreshold(count, members.length), members });
  define(draft, name);
}

function parseThreshold(count: string, members: number): number {
  if (count === 'any') return 1;
  if (count === 'all') return members;
  const threshold = /^[1-9]\d{0,4}$/.test(count) ? Number(count) : 0;
  if (threshold < 1 || threshold > members) throw refuse(`a group of ${members} needs all, any or 1 to ${members} of them`);
  return threshold;
}

function readQuorum(draft: Draft, [name, ...more]: readonly string[]): void {
  if (name === undefined || more.length > 0) throw refuse('it is not "quorum <name>"');
  if (draft.quorumLine) throw refuse('it is a second quorum');
  if (name !== nobody) requireDefined(draft, name);
  draft.quorum = name === nobody ? undefined : name;
  draft.quorumLine = true;
}

function define({ defined }: Draft, name: string): void {
  if (defined.has(name)) throw refuse(`the name ${JSON.stringify(name.slice(0, 64))} is taken`);
  defined.add(name);
}

function requireDefined({ defined }: Draft, name: string): void {
  if (name === nobody || !defined.has(name)) throw refuse(`${JSON.stringify(name.slice(0, 64))} is not defined on a line before`);
}

function requireRoom(definitions: readonly unknown[]): void {
  if (definitions.length >= maxDefinitions) throw refuse(`it has more than ${maxDefinitions} logs, witnesses or groups`);
}

function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_POLICY', message: `the trust policy was refused: ${reason}`, cause });
}
