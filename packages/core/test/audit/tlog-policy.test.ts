import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { cosignCheckpoint, formatCosignerKey, makeCosignerKey } from '../../src/audit/cosignature.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { isQuorum, parseTlogPolicy } from '../../src/audit/tlog-policy.ts';
import { formatVerifierKey, makeVerifierKey } from '../../src/audit/verifier-key.ts';
import { verifyWitnessed } from '../../src/audit/verify-witnessed.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { caught, testSigner } from './support.ts';

const origin = 'acme.example/talos';
const logVkey = formatVerifierKey(makeVerifierKey(origin, testSigner().publicKey));
const witnesses = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'].map((name, i) => {
  const signer = testSigner(20 + i);
  const key = makeCosignerKey(`witness.example/${name}`, signer.publicKey);
  return { name, signer, key, vkey: formatCosignerKey(key) };
});
const vkeyOf = (name: string): string => witnesses.find((witness) => witness.name === name)?.vkey ?? '';
const named = witnesses.map(({ name, vkey }) => `witness ${name} ${vkey}`).join('\n');

/** The example of the specification, with keys. */
const example = `# two organisations
log ${logVkey} https://log.example/

${named}
group X-witnesses 2 X1 X2 X3
\t group  Y-witnesses\tany Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

const note = await signCheckpoint({ origin, size: 5, root: new Uint8Array(32).fill(3) }, testSigner());
async function cosignedBy(names: readonly string[], time = 1000): Promise<string> {
  const { text, signatures } = parseNote(note);
  const lines = witnesses.filter(({ name }) => names.includes(name)).map(({ key, signer }) => cosignCheckpoint(note, { name: key.name, signer, time }));
  return formatNote({ text, signatures: [...signatures, ...(await Promise.all(lines))] });
}

describe('policy', () => {
  it('[AUDIT-POLICY] the example of the specification reads, and its quorum is two of X and one of Y', () => {
    const policy = parseTlogPolicy(example);
    expect(policy.logs.map(({ key, url }) => [formatVerifierKey(key), url])).toEqual([[logVkey, 'https://log.example/']]);
    expect(policy.witnesses.map(({ name }) => name)).toEqual(['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']);
    expect(policy.groups).toEqual([
      { name: 'X-witnesses', threshold: 2, members: ['X1', 'X2', 'X3'] },
      { name: 'Y-witnesses', threshold: 1, members: ['Y1', 'Y2', 'Y3'] },
      { name: 'X-and-Y', threshold: 2, members: ['X-witnesses', 'Y-witnesses'] },
    ]);
    for (let set = 0; set < 64; set++) {
      const present = witnesses.filter((_, i) => (set >> i) % 2 === 1).map(({ name }) => name);
      const wanted = present.filter((name) => name.startsWith('X')).length >= 2 && present.some((name) => name.startsWith('Y'));
      expect(isQuorum(policy, present), present.join()).toBe(wanted);
    }
    expect(isQuorum(policy, ['X1', 'X1', 'Y1'])).toBe(false);
    // Whoever could name a group as a witness would be its members at once.
    expect(isQuorum(policy, ['X-and-Y', 'X-witnesses', 'Y-witnesses'])).toBe(false);
    expect(parseTlogPolicy(Buffer.from(example))).toEqual(policy);
  });

  it('[AUDIT-POLICY] one witness, nobody, and no log are policies too', () => {
    expect(isQuorum(parseTlogPolicy(`${named}\nquorum X1\n`), ['X1'])).toBe(true);
    expect(isQuorum(parseTlogPolicy(`${named}\nquorum X1\n`), ['X2'])).toBe(false);
    expect(parseTlogPolicy('quorum none\n')).toEqual({ logs: [], witnesses: [], groups: [], quorum: undefined });
    expect(isQuorum(parseTlogPolicy('  quorum\tnone \n#'.replace('#', '# é\n')), [])).toBe(true);
  });

  const one = `witness X1 ${vkeyOf('X1')}\n`;
  const two = `${one}witness X2 ${vkeyOf('X2')}\n`;
  const refused: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['no quorum', one],
    ['two quorums', `${one}quorum X1\nquorum X1\n`],
    ['quorum none and another', `${one}quorum none\nquorum X1\n`],
    ['a last line without its end', `${one}quorum X1`],
    ['an unknown keyword', `${one}require X1\nquorum none\n`],
    ['keyword in capitals', `${one}QUORUM X1\n`],
    ['a quorum of two words', `${two}quorum X1 X2\n`],
    ['quorum without a name', `${one}quorum\n`],
    ['an undefined quorum', `${one}quorum X2\n`],
    ['a quorum before its definition', `quorum X1\n${one}`],
    ['an undefined member', `${one}group g 1 X1 X9\nquorum g\n`],
    ['a group in itself', `${one}group g 1 X1 g\nquorum g\n`],
    ['none as a member', `${one}group g 1 X1 none\nquorum g\n`],
    ['none as a name', `witness none ${vkeyOf('X1')}\nquorum none\n`],
    ['none as a group', `${one}group none 1 X1\nquorum none\n`],
    ['a member twice', `${one}group g 2 X1 X1\nquorum g\n`],
    ['a member of two groups', `${two}group g 1 X1\ngroup h 2 X1 X2\nquorum h\n`],
    ['a name twice', `${one}witness X1 ${vkeyOf('X2')}\nquorum X1\n`],
    ['a group with a witness’s name', `${two}group X2 1 X1\nquorum X2\n`],
    ['threshold 0', `${one}group g 0 X1\nquorum g\n`],
    ['threshold above the members', `${one}group g 2 X1\nquorum g\n`],
    ['threshold with a leading zero', `${one}group g 01 X1\nquorum g\n`],
    ['threshold that is no number', `${one}group g most X1\nquorum g\n`],
    ['no members', `${one}group g all\nquorum g\n`],
    ['a witness key twice', `${one}witness X2 ${formatCosignerKey(makeCosignerKey('other.example', testSigner(20).publicKey))}\nquorum X1\n`],
    ['a log key twice', `log ${logVkey}\nlog ${formatVerifierKey(makeVerifierKey('b.example', testSigner().publicKey))}\nquorum none\n`],
    ['a log’s key as a witness', `witness W ${logVkey}\nquorum W\n`],
    ['a witness’s key as a log', `log ${vkeyOf('X1')}\nquorum none\n`],
    ['an ML-DSA-44 key', `witness W w.example+00000000+${Buffer.alloc(1313, 6).toString('base64')}\nquorum W\n`],
    ['a log of three words', `log ${logVkey} https://a.example https://b.example\nquorum none\n`],
    ['a carriage return', `${one}quorum X1\r\n`],
    ['a NUL', `${one}quorum X1\0\n`],
    ['a DEL', `# \u007f\nquorum none\n`],
    ['a lone surrogate', `# \ud800\nquorum none\n`],
    ['a no-break space as white space', `${one}quorum\u00a0X1\n`],
    ['more than 128 KiB', `${'#'.repeat(140_000)}\nquorum none\n`],
    ['129 groups', `${one}${Array.from({ length: 129 }, (_, n) => `group g${n} 1 ${n === 0 ? 'X1' : `g${n - 1}`}\n`).join('')}quorum g128\n`],
    ['an over-long word', `log ${logVkey} https://${'x'.repeat(1025)}\nquorum none\n`],
  ];
  it.each(refused)('[AUDIT-POLICY] refused: %s', async (_, policy) => {
    expect(await caught(() => parseTlogPolicy(policy))).toMatchObject({ code: 'TALOS_AUDIT_BAD_POLICY' });
  });

  it('[AUDIT-POLICY] bytes that are not UTF-8, and what is no text, are refused', async () => {
    expect(await caught(() => parseTlogPolicy(Buffer.from('23ff0a', 'hex')))).toMatchObject({ code: 'TALOS_AUDIT_BAD_POLICY' });
    expect(await caught(() => parseTlogPolicy(undefined as never))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-POLICY] names are compared as they are written: a Kelvin sign is no K', async () => {
    expect(await caught(() => parseTlogPolicy(`witness K ${vkeyOf('X1')}\nquorum \u212a\n`))).toMatchObject({ code: 'TALOS_AUDIT_BAD_POLICY' });
  });

  it('[AUDIT-VERIFY-TOTAL] a mutated policy is refused with a code, or has a quorum that its own names fulfil', () => {
    const splice = fc.record({
      at: fc.nat({ max: 2000 }),
      remove: fc.nat({ max: 20 }),
      insert: fc.string({ unit: fc.constantFrom(...' \n\tXY123groupquorumanyall+#\u0000é'), maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(splice, { minLength: 1, maxLength: 3 }), (edits) => {
        const text = edits.reduce(
          (each, { at, remove, insert }) => each.slice(0, at % each.length) + insert + each.slice((at % each.length) + remove),
          example,
        );
        try {
          const policy = parseTlogPolicy(text);
          expect(
            isQuorum(
              policy,
              policy.witnesses.map(({ name }) => name),
            ),
          ).toBe(true);
        } catch (error) {
          expect(TalosError.isInstance(error), String(error)).toBe(true);
        }
      }),
      { seed: 15, numRuns: process.env['TALOS_DEEP'] === '1' ? 100_000 : 2000 },
    );
  });
});

describe('witnessed checkpoint', () => {
  const policy = parseTlogPolicy(example);
  const key = makeVerifierKey(origin, testSigner().publicKey);

  it('[AUDIT-WITNESSED] with the log’s signature and a quorum it opens, naming who cosigned and when', async () => {
    const opened = verifyWitnessed(await cosignedBy(['X1', 'X3', 'Y2']), { policy });
    expect(opened.checkpoint.size).toBe(5);
    expect(opened.witnessedBy).toEqual(['X1', 'X3', 'Y2'].map((witness) => ({ witness, time: 1000 })));
    expect(verifyWitnessed(note, { policy: parseTlogPolicy('quorum none\n'), log: key }).witnessedBy).toEqual([]);
  });

  it('[AUDIT-WITNESSED] without a quorum it is refused, whatever else is on it', async () => {
    for (const names of [[], ['X1'], ['X1', 'X2', 'X3'], ['X1', 'Y1', 'Y2', 'Y3']])
      expect(await caught(async () => verifyWitnessed(await cosignedBy(names), { policy }))).toMatchObject({ code: 'TALOS_AUDIT_NOT_WITNESSED' });
    // One witness three times is one witness.
    const { text, signatures } = parseNote(await cosignedBy(['X1', 'Y1']));
    const again = parseNote(await cosignedBy(['X1'], 2000)).signatures.at(-1) as never;
    expect(await caught(() => verifyWitnessed(formatNote({ text, signatures: [...signatures, again] }), { policy }))).toMatchObject({
      code: 'TALOS_AUDIT_NOT_WITNESSED',
    });
  });

  it('[AUDIT-WITNESSED] cosignatures do not replace the log’s own signature', async () => {
    const { text, signatures } = parseNote(await cosignedBy(['X1', 'X2', 'Y1']));
    const unsigned = formatNote({ text, signatures: signatures.slice(1) });
    expect(await caught(() => verifyWitnessed(unsigned, { policy }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    const foreign = await signCheckpoint({ origin: 'other.example', size: 5, root: new Uint8Array(32) }, testSigner());
    expect(await caught(() => verifyWitnessed(foreign, { policy }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-WITNESSED] of two keys under one name the one that signed is taken, and a time to come is refused', async () => {
    const other = `log ${formatVerifierKey(makeVerifierKey(origin, testSigner(8).publicKey))}\n`;
    const twoKeys = parseTlogPolicy(`${other}${example}`);
    const witnessed = await cosignedBy(['X1', 'X2', 'Y1']);
    expect(verifyWitnessed(witnessed, { policy: twoKeys }).checkpoint.size).toBe(5);
    expect(await caught(() => verifyWitnessed(witnessed, { policy, notAfter: 999 }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-WITNESSED] a log that the policy does not list, or none at all, is the caller’s mistake', async () => {
    const noLog = parseTlogPolicy('quorum none\n');
    expect(await caught(() => verifyWitnessed(note, { policy: noLog }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    const log = makeVerifierKey(origin, testSigner(8).publicKey);
    expect(await caught(() => verifyWitnessed(note, { policy, log }))).toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
  });
});
