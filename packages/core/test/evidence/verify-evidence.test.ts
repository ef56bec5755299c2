import { describe, expect, it } from 'vitest';
import { readTrust } from '../../src/evidence/trust.ts';
import { verifyEvidence, type EvidenceReport } from '../../src/evidence/verify-evidence.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { rotateKeyHistory } from '../../src/identity/key-history.ts';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { rangeSubtrees } from '../../src/audit/range.ts';
import { Recorder } from '../../src/audit/recorder.ts';
import { CompactRange, hashLeaf } from '../../src/audit/tree-hash.ts';
import { formatVerifierKey, makeVerifierKey } from '../../src/audit/verifier-key.ts';
import { systemEnv } from '../../src/env/env.ts';
import type { RangeEvidence } from '../../src/evidence/evidence.ts';
import { formatEvidence } from '../../src/evidence/format-evidence.ts';
import { caught, proofFrom, testSigner } from '../audit/support.ts';
import { agent, anchorVerifier, cosigned, edited, fullEvidence, historyOf, logOf, origin, policy, witnesses, type Json } from './support.ts';

const full = await fullEvidence();

/** Claims that are not green, as `kind at: code`. */
const notGreen = ({ claims }: EvidenceReport): string[] =>
  claims.flatMap((claim) => (claim.status === 'verified' ? [] : [`${claim.kind} ${claim.at}: ${claim.code}`]));
const judgeEdited = async (path: string, change: (value: Json) => unknown): Promise<string[]> =>
  notGreen(await verifyEvidence(edited(full.text, path, change), full.trust));
const flipBase64 = (value: Json): string => {
  const bytes = Buffer.from(value, 'base64');
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString('base64');
};

describe('an evidence file', () => {
  it('[EVIDENCE-CLAIMS] is verified claim by claim: entries, windows, disclosures, one history, witnesses, keys, foreign claims', async () => {
    const report = await verifyEvidence(full.text, full.trust);
    expect(notGreen(report)).toEqual([]);
    expect(report.verdict).toBe('verified');
    expect(report.logs).toEqual([{ origin, size: 45, level: 'witnessed' }]);
    const kinds = report.claims.map(({ kind, at }) => `${kind} ${at}`);
    for (const expected of [
      'checkpoint logs[0].checkpoints[1]',
      'cosignature logs[0].checkpoints[0].note line 3 after the text',
      'witnessed logs[0].checkpoints[1]',
      'consistency logs[0].consistency[0]',
      'one-history logs[0].checkpoints',
      'last-seen logs[0]',
      'entry logs[0].entries[2]',
      'range logs[0].ranges[1]',
      'sequence logs[0].ranges[1]',
      'disclosure logs[0].disclosures[1]',
      'history histories[0]',
      'foreign foreign[0]',
    ])
      expect(kinds).toContain(expected);
    expect(report.entries.map(({ index }) => index)).toEqual([2, 3, 5, 6, 7, 8, 30, 33, 34, 35, 36]);
    const opened = report.entries.find(({ index }) => index === 6)?.disclosed.get('args');
    expect(JSON.parse(new TextDecoder().decode(opened))).toEqual({ n: 6, to: 'a6@b.example' });
    expect(new Set(report.entries.filter(({ index }) => index !== 2 && index !== 6).map(({ disclosed }) => disclosed.size))).toEqual(new Set([0]));
  });

  it('[EVIDENCE-CLAIMS] is the same as bytes, and made again from what was read of it', async () => {
    expect((await verifyEvidence(new TextEncoder().encode(full.text), full.trust)).verdict).toBe('verified');
  });

  it('[EVIDENCE-CLAIMS] an entry that was left out where two windows meet is missing', async () => {
    const [signer, recorder] = [testSigner(), new Recorder(systemEnv, 'r')];
    const recorded = Array.from({ length: 9 }, (_, n) => recorder.record({ type: 'config', n }).bytes);
    const entries = recorded.toSpliced(4, 1);
    const range = new CompactRange();
    const rows = entries.map((bytes) => range.append(hashLeaf(bytes)));
    const note = await signCheckpoint({ origin, size: 8, root: range.head().root }, signer);
    const windowOf = ([start, end]: readonly [number, number]): RangeEvidence => {
      const window = { start, end, size: 8 };
      return { ...window, proof: proofFrom(rows, rangeSubtrees(window)), entries: entries.slice(start, end) };
    };
    const trust = { logs: [formatVerifierKey(makeVerifierKey(origin, signer.publicKey))] };
    const verdictsOf = async (...windows: (readonly [number, number])[]): Promise<string[]> => {
      const log = { origin, checkpoints: [{ size: 8, note }], entries: [], ranges: windows.map(windowOf), consistency: [], disclosures: [] };
      return notGreen(await verifyEvidence(formatEvidence({ logs: [log], histories: [], foreign: [] }), trust));
    };
    expect(await verdictsOf([0, 8])).toEqual(['sequence logs[0].ranges[0]: SEQUENCE_BROKEN']);
    expect(await verdictsOf([0, 4], [4, 8])).toEqual(['sequence logs[0].ranges[1]: SEQUENCE_BROKEN']);
    expect(await verdictsOf([0, 2], [2, 4], [4, 6], [6, 8])).toEqual(['sequence logs[0].ranges[2]: SEQUENCE_BROKEN']);
    // What lies between two windows is not claimed.
    expect(await verdictsOf([0, 3], [4, 8])).toEqual([]);
  });

  it('[EVIDENCE-LAST-SEEN] a log that is not proved to continue what was seen is no more than signed, whoever cosigned it', async () => {
    const seen = await (await logOf(12)).checkpoint();
    const trust = { ...full.trust, logs: [{ verifierKey: full.log.verifierKey, lastSeen: seen }] };
    const report = await verifyEvidence(full.text, trust);
    expect(report.logs).toEqual([{ origin, size: 45, level: 'signed' }]);
    expect(report.verdict).toBe('incomplete');
  });

  it('[EVIDENCE-TRUST] without trust nothing is green, whatever the file says', async () => {
    const report = await verifyEvidence(full.text, {});
    expect(report.verdict).toBe('incomplete');
    expect(report.entries).toEqual([]);
    expect(new Set(report.claims.map(({ status }) => status))).toEqual(new Set(['not-checked']));
    expect(report.logs).toEqual([{ origin, size: 45, level: 'unchecked' }]);
  });

  it('[EVIDENCE-TRUST] each part of the trust turns its own claims green and no others', async () => {
    const { logs, agents } = full.trust;
    const green = async (trust: Parameters<typeof verifyEvidence>[1]): Promise<Set<string>> =>
      new Set((await verifyEvidence(full.text, trust)).claims.flatMap(({ status, kind }) => (status === 'verified' ? [kind] : [])));
    const ofLog = ['checkpoint', 'consistency', 'one-history', 'entry', 'range', 'sequence', 'disclosure'];
    expect(await green({ logs: [full.log.verifierKey] })).toEqual(new Set(ofLog));
    expect(await green({ logs: logs ?? [] })).toEqual(new Set([...ofLog, 'last-seen']));
    expect(await green({ agents: agents ?? [] })).toEqual(new Set(['history']));
    expect(await green({ verifiers: [anchorVerifier] })).toEqual(new Set());
    expect(await green({ policy })).toEqual(new Set(['cosignature']));
    expect(await green({ policy: `log ${full.log.verifierKey}\n${policy}` })).toEqual(new Set([...ofLog, 'cosignature', 'witnessed']));
  });

  it('[EVIDENCE-TRUST] a mistake in the trust is an error, not a verdict', async () => {
    const key = full.log.verifierKey;
    const another = formatVerifierKey(makeVerifierKey(origin, testSigner(99).publicKey));
    for (const [trust, code] of [
      [null, 'TALOS_USAGE_ARGUMENT'],
      [{ logs: key }, 'TALOS_USAGE_ARGUMENT'],
      [{ logs: ['nonsense'] }, 'TALOS_AUDIT_BAD_NOTE'],
      [{ logs: [key, key] }, 'TALOS_USAGE_OPTIONS'],
      [{ logs: [{ verifierKey: key, lastSeen: 'x' }] }, 'TALOS_AUDIT_BAD_NOTE'],
      [{ policy: 'quorum nobody\n' }, 'TALOS_AUDIT_BAD_POLICY'],
      [{ logs: [key], policy: `log ${another}\nquorum none\n` }, 'TALOS_USAGE_OPTIONS'],
      [{ policy: `log ${key}\nlog ${another}\nquorum none\n` }, 'TALOS_USAGE_OPTIONS'],
      [{ agents: ['acme'] }, 'TALOS_USAGE_ARGUMENT'],
      [{ agents: [agent, agent] }, 'TALOS_USAGE_OPTIONS'],
      [{ agents: [{ did: agent, history: await historyOf(50) }] }, 'TALOS_USAGE_OPTIONS'],
      [{ verifiers: [anchorVerifier, anchorVerifier] }, 'TALOS_USAGE_OPTIONS'],
      [{ verifiers: [{ type: 'x y', verify: () => undefined }] }, 'TALOS_USAGE_ARGUMENT'],
      [{ verifiers: [{ type: 'x' }] }, 'TALOS_USAGE_ARGUMENT'],
    ] as const)
      expect(await caught(() => verifyEvidence(full.text, trust as never)), JSON.stringify(trust)).toMatchObject({ code });
    expect(readTrust({}).logs.size).toBe(0);
  });
});

describe('attacks on a file', () => {
  it('[EVIDENCE-TAMPER] a refusal turned into a permission is a failed entry', async () => {
    const permitted = (value: Json): string =>
      Buffer.from(
        Buffer.from(value, 'base64').toString().replace('"decision":"deny"', '"decision":"allow"').replace('policy.decision', 'tool.request'),
      ).toString('base64');
    expect(await judgeEdited('logs[0].entries[2].entry', permitted)).toEqual(['entry logs[0].entries[2]: INCLUSION_REFUSED']);
    expect(await judgeEdited('logs[0].ranges[1].entries[1]', permitted)).toEqual(['range logs[0].ranges[1]: INCLUSION_REFUSED']);
  });

  it('[EVIDENCE-TAMPER] an entry left out, moved or exchanged in a window fails the window', async () => {
    const range = 'range logs[0].ranges[0]: INCLUSION_REFUSED';
    const opened = 'disclosure logs[0].disclosures[1]: ENTRY_MISSING';
    expect(await judgeEdited('logs[0].ranges[0].entries', ([a, b, c, d]) => [b, a, c, d])).toEqual([range, opened]);
    expect(await judgeEdited('logs[0].ranges[0].entries', ([a, b, , d]) => [a, b, b, d])).toEqual([range, opened]);
    expect(await judgeEdited('logs[0].ranges[0]', (value) => ({ ...value, end: 8, entries: value['entries']!.slice(0, 3) }))).toEqual([range, opened]);
    expect(await judgeEdited('logs[0].ranges[1]', (value) => ({ ...value, start: 34, entries: value['entries']!.slice(1) }))).toEqual([
      'range logs[0].ranges[1]: INCLUSION_REFUSED',
    ]);
    expect(await judgeEdited('logs[0].entries', ([a, b, c]) => [{ ...a!, index: 3 }, { ...b!, index: 4 }, c])).toEqual([
      'entry logs[0].entries[0]: INCLUSION_REFUSED',
      'entry logs[0].entries[1]: INCLUSION_REFUSED',
      'disclosure logs[0].disclosures[0]: ENTRY_MISSING',
    ]);
  });

  it('[EVIDENCE-TAMPER] a proof of another tree, or to a checkpoint that is not there, fails its entry', async () => {
    const other = await fullEvidence();
    const [theirs] = (JSON.parse(other.text) as Json)['logs']![0]!['entries']!;
    expect(await judgeEdited('logs[0].entries[0]', () => theirs)).toEqual([
      'entry logs[0].entries[0]: INCLUSION_REFUSED',
      'disclosure logs[0].disclosures[0]: ENTRY_MISSING',
    ]);
    expect(await judgeEdited('logs[0].entries[1].proof', () => theirs!['proof'])).toEqual(['entry logs[0].entries[1]: INCLUSION_REFUSED']);
    expect(await judgeEdited('logs[0].entries[1].size', () => 44)).toEqual(['entry logs[0].entries[1]: CHECKPOINT_MISSING']);
    expect(await judgeEdited('logs[0].entries[1].size', () => 20)).toEqual(['entry logs[0].entries[1]: INCLUSION_REFUSED']);
  });

  it('[EVIDENCE-TAMPER] a checkpoint of another origin, size or key fails, and everything that rests on it', async () => {
    const elsewhere = await logOf(45, { origin: 'other.example/talos' });
    const theirs = await cosigned(await elsewhere.checkpoint());
    const failed = await judgeEdited('logs[0].checkpoints[1].note', () => theirs);
    expect(failed).toContain('checkpoint logs[0].checkpoints[1]: CHECKPOINT_OTHER_ORIGIN');
    expect(failed).toContain('entry logs[0].entries[0]: CHECKPOINT_FAILED');
    expect(failed).toContain('range logs[0].ranges[0]: CHECKPOINT_FAILED');
    expect(failed).toContain('foreign foreign[0]: CHECKPOINT_FAILED');
    expect(failed).toContain('witnessed logs[0].checkpoints[1]: CHECKPOINT_FAILED');
    expect(await judgeEdited('logs[0].checkpoints[1].note', () => full.seen)).toContain('checkpoint logs[0].checkpoints[1]: CHECKPOINT_OTHER_SIZE');
    // The thief of a name: its own tree, its own key.
    const thief = await logOf(45, { seed: 66 });
    expect(await judgeEdited('logs[0].checkpoints[1].note', await thief.checkpoint().then((note) => () => note))).toContain(
      'checkpoint logs[0].checkpoints[1]: CHECKPOINT_REFUSED',
    );
    // The same claims under a name whose key the reader trusts too.
    const both = { ...full.trust, logs: [full.log.verifierKey, elsewhere.verifierKey] };
    const renamed = await verifyEvidence(
      edited(full.text, 'logs[0].origin', () => 'other.example/talos'),
      both,
    );
    expect(notGreen(renamed)).toContain('checkpoint logs[0].checkpoints[0]: CHECKPOINT_OTHER_ORIGIN');
    expect(renamed.entries).toEqual([]);
  });

  it('[EVIDENCE-TAMPER] an untrusted or forged cosignature counts for nothing', async () => {
    const stranger = [{ name: 'w3.example', signer: testSigner(77) }];
    const [text = '', lines = ''] = full.seen.split('\n\n');
    const own = `${text}\n\n${lines.split('\n')[0]}\n`;
    const byStranger = await cosigned(own, stranger);
    expect(await judgeEdited('logs[0].checkpoints[0].note', () => byStranger)).toEqual([
      'cosignature logs[0].checkpoints[0].note line 2 after the text: WITNESS_NOT_TRUSTED',
      'witnessed logs[0].checkpoints[0]: QUORUM_NOT_MET',
    ]);
    const inTheirName = await cosigned(own, [{ name: 'w1.example', signer: testSigner(77) }]);
    expect(await judgeEdited('logs[0].checkpoints[0].note', () => inTheirName)).toContain('witnessed logs[0].checkpoints[0]: QUORUM_NOT_MET');
    // One witness twice is one witness.
    const twice = await cosigned(await cosigned(own, witnesses.slice(0, 1)), witnesses.slice(0, 1));
    expect(await judgeEdited('logs[0].checkpoints[0].note', () => twice)).toEqual(['witnessed logs[0].checkpoints[0]: QUORUM_NOT_MET']);
    // A cosignature of another tree of the same log.
    const last = (JSON.parse(full.text) as Json)['logs']![0]!['checkpoints']![1]!['note']!;
    const moved = `${text}\n\n${lines.split('\n')[0]}\n${String(last).split('\n\n')[1]!.split('\n').slice(1).join('\n')}`;
    expect(await judgeEdited('logs[0].checkpoints[0].note', () => moved)).toEqual([
      'cosignature logs[0].checkpoints[0].note line 2 after the text: COSIGNATURE_REFUSED',
      'cosignature logs[0].checkpoints[0].note line 3 after the text: COSIGNATURE_REFUSED',
      'witnessed logs[0].checkpoints[0]: QUORUM_NOT_MET',
    ]);
  });

  it('[EVIDENCE-TAMPER] the disclosure of another entry or field, or of a guessed payload, fails', async () => {
    const refused = 'disclosure logs[0].disclosures[0]: COMMITMENT_REFUSED';
    expect(await judgeEdited('logs[0].disclosures[0].index', () => 3)).toEqual([refused]);
    expect(await judgeEdited('logs[0].disclosures[0].index', () => 4)).toEqual(['disclosure logs[0].disclosures[0]: ENTRY_MISSING']);
    expect(await judgeEdited('logs[0].disclosures[0].field', () => 'result')).toEqual([refused]);
    expect(await judgeEdited('logs[0].disclosures[0].field', () => 'constructor')).toEqual([refused]);
    expect(await judgeEdited('logs[0].disclosures[0].payload', () => Buffer.from('{"n":2,"to":"boss@b.example"}').toString('base64'))).toEqual([refused]);
    expect(await judgeEdited('logs[0].disclosures[0].salt', flipBase64)).toEqual([refused]);
  });

  it('[EVIDENCE-LAST-SEEN] a log that does not continue what the reader saw is found: split view, cut tail, no proof', async () => {
    const forked = await logOf(20);
    const theirs = { logs: [{ verifierKey: full.log.verifierKey, lastSeen: await forked.checkpoint() }] };
    expect(notGreen(await verifyEvidence(full.text, theirs)).filter((each) => each.startsWith('last-seen'))).toEqual(['last-seen logs[0]: DIVERGED']);
    expect((await verifyEvidence(full.text, theirs)).logs[0]?.level).toBe('bad');
    // The reader saw more than the file shows: a cut tail reads as no proof, never as green.
    const longer = await logOf(60);
    const ahead = { logs: [{ verifierKey: full.log.verifierKey, lastSeen: await longer.checkpoint() }] };
    expect(notGreen(await verifyEvidence(full.text, ahead)).filter((each) => each.startsWith('last-seen'))).toEqual(['last-seen logs[0]: NOT_LINKED']);
    expect((await verifyEvidence(full.text, ahead)).logs[0]?.level).toBe('signed');
    const unlinked = edited(full.text, 'logs[0].consistency', () => []);
    expect(notGreen(await verifyEvidence(unlinked, full.trust))).toEqual(['one-history logs[0].checkpoints: NOT_LINKED', 'last-seen logs[0]: NOT_LINKED']);
    expect(await judgeEdited('logs[0].consistency[0].proof[0]', flipBase64)).toEqual([
      'consistency logs[0].consistency[0]: CONSISTENCY_REFUSED',
      'one-history logs[0].checkpoints: NOT_LINKED',
      'last-seen logs[0]: CONSISTENCY_REFUSED',
    ]);
  });

  it('[EVIDENCE-LAST-SEEN] a head that failed in the file is not taken for the one that was seen', async () => {
    const last = await full.log.checkpoint();
    const trust = { logs: [{ verifierKey: full.log.verifierKey, lastSeen: last }] };
    expect(notGreen(await verifyEvidence(full.text, trust)).filter((each) => each.startsWith('last-seen'))).toEqual([]);
    const broken = edited(full.text, 'logs[0].checkpoints[1].note', (note) => note.replace(/\n— acme.*\n/, '\n— acme.example/talos AAAAAAAAAAAA\n'));
    expect(notGreen(await verifyEvidence(broken, trust))).toContain('checkpoint logs[0].checkpoints[1]: CHECKPOINT_REFUSED');
    expect(notGreen(await verifyEvidence(broken, trust)).some((each) => each.startsWith('last-seen'))).toBe(true);
  });

  it('[EVIDENCE-LAST-SEEN] a file that is older than what was seen is a beginning of it, if it proves that', async () => {
    const log = await logOf(30);
    const early = await assembleEvidence({ logs: [{ log, entries: [4] }] });
    for (let n = 0; n < 9; n += 1) await log.append({ type: 'config', n });
    const seen = await log.checkpoint();
    const trust = { logs: [{ verifierKey: log.verifierKey, lastSeen: seen }] };
    expect(notGreen(await verifyEvidence(early, trust))).toEqual(['last-seen logs[0]: NOT_LINKED']);
    const { proof } = await log.proveConsistency(30, 39);
    const linked = edited(early, 'logs[0].consistency', () => [{ from: 30, to: 39, proof: proof.map((hash) => Buffer.from(hash).toString('base64')) }]);
    expect(notGreen(await verifyEvidence(linked, trust))).toEqual([]);
  });

  it('[EVIDENCE-HISTORY] a history that is cut, forged, of another agent, or not the pinned one is not green', async () => {
    const pinned = await historyOf();
    expect(await judgeEdited('histories[0].events', ([, second]) => [second])).toEqual(['history histories[0]: HISTORY_REFUSED']);
    expect(await judgeEdited('histories[0].did', () => 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK')).toEqual([
      'history histories[0]: AGENT_NOT_TRUSTED',
    ]);
    const other = await historyOf(50);
    expect(await judgeEdited('histories[0].events', () => other)).toEqual(['history histories[0]: HISTORY_REFUSED']);
    // Two rotations with one sequence, both signed: the pinned one does not take the other's place.
    const [first, second] = [testSigner(21), testSigner(121)];
    const twin = await rotateKeyHistory(pinned.slice(0, 1), {
      signer: first,
      nextSigner: second,
      followingKey: testSigner(9).publicKey,
      now: 1_785_000_000_000,
    });
    const trust = { ...full.trust, agents: [{ did: agent, history: twin }] };
    expect(notGreen(await verifyEvidence(full.text, trust))).toEqual(['history histories[0]: HISTORY_EQUIVOCATION']);
    const known = await verifyEvidence(full.text, { ...full.trust, agents: [{ did: agent, history: pinned.slice(0, 1) }] });
    expect(known.verdict).toBe('verified');
  });

  it('[EVIDENCE-FOREIGN] a foreign claim is green only if its plug-in says what it proved about a verified checkpoint', async () => {
    const under = async (verify: unknown): Promise<string[]> =>
      notGreen(await verifyEvidence(full.text, { ...full.trust, verifiers: [{ type: 'anchor-of-test', verify } as never] }));
    expect(await under(() => ({ detail: 'yes' }))).toEqual([]);
    for (const no of [
      () => true,
      () => undefined,
      () => false,
      async () => ({}),
      () => {
        throw new Error('secret');
      },
      async () => Promise.reject(new TypeError('x')),
    ])
      expect(await under(no)).toEqual(['foreign foreign[0]: FOREIGN_REFUSED']);
    expect(notGreen(await verifyEvidence(full.text, { ...full.trust, verifiers: [] }))).toEqual(['foreign foreign[0]: NO_VERIFIER']);
    expect(await judgeEdited('foreign[0].size', () => 44)).toEqual(['foreign foreign[0]: CHECKPOINT_MISSING']);
    expect(await judgeEdited('foreign[0].size', () => 20)).toEqual(['foreign foreign[0]: FOREIGN_REFUSED']);
    expect(await judgeEdited('foreign[0].data', flipBase64)).toEqual(['foreign foreign[0]: FOREIGN_REFUSED']);
  });

  it('[EVIDENCE-CLAIMS] a window from which the log itself left something out says so', async () => {
    const log = await logOf(3);
    const report = await verifyEvidence(await assembleEvidence({ logs: [{ log, ranges: [{ start: 0, end: 3 }] }] }), { logs: [log.verifierKey] });
    expect(report.verdict).toBe('verified');
    const { Recorder } = await import('../../src/audit/recorder.ts');
    const { systemEnv } = await import('../../src/env/env.ts');
    const { merkleTreeHash } = await import('../audit/support.ts');
    const recorder = new Recorder(systemEnv, 'r');
    const written = Array.from({ length: 8 }, (_, n) => recorder.record({ type: 'config', n }).bytes).toSpliced(3, 1);
    const note = await signCheckpoint({ origin, size: 7, root: merkleTreeHash(written) }, testSigner());
    const { formatEvidence } = await import('../../src/evidence/format-evidence.ts');
    const range = { start: 0, end: 7, size: 7, proof: [], entries: written };
    const dropped = formatEvidence({
      logs: [{ origin, checkpoints: [{ size: 7, note }], entries: [], ranges: [range], consistency: [], disclosures: [] }],
      histories: [],
      foreign: [],
    });
    const judged = await verifyEvidence(dropped, { logs: [log.verifierKey] });
    expect(notGreen(judged)).toEqual(['sequence logs[0].ranges[0]: SEQUENCE_BROKEN']);
    expect(judged.claims.find(({ kind }) => kind === 'sequence')?.findings).toMatchObject([{ code: 'RECORDER_GAP', index: 3 }]);
  });
});
