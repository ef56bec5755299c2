import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit } from '../../src/capability/index.ts';
import { claims, forge, grant, world } from './support.ts';

const seed = 20260102;
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~ {"';

describe('mutated tokens', () => {
  const token = forge({ payload: claims({ authorization_details: [grant('search', { q: { len: { max: 3 } } })] } as never) });

  it('[CAP-MUTATION] a token with one character changed, inserted or removed is never admitted', async () => {
    const { context } = world();
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...alphabet), fc.constantFrom('change', 'insert', 'remove'), async (at, character, how) => {
        const mutated = token.slice(0, at) + (how === 'remove' ? '' : character) + token.slice(how === 'insert' ? at : at + 1);
        if (mutated === token) return;
        expect((await admit(mutated, context)).handle).toBeUndefined();
      }),
      { seed, numRuns: 1500 },
    );
  });

  it('[CAP-MUTATION] a truncated token is never admitted, wherever it ends', async () => {
    const { context } = world();
    for (let length = 0; length < token.length; length++) expect((await admit(token.slice(0, length), context)).handle).toBeUndefined();
  });

  it('[CAP-TOTAL] any text, and any signed JSON, is admitted or refused, never thrown at', async () => {
    const { context } = world();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.json(), async (text, json) => {
        expect((await admit(text, context)).handle).toBeUndefined();
        expect((await admit(forge({ payload: json }), context)).handle).toBeUndefined();
      }),
      { seed, numRuns: 300 },
    );
  });

  it('[CAP-TOTAL] good claims with one member replaced by any JSON are admitted or refused, never thrown at', async () => {
    const { context } = world();
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(claims())), fc.jsonValue(), async (member, value) => {
        const { handle, denied } = await admit(forge({ payload: { ...claims(), [member]: value } }), context);
        expect(handle === undefined).toBe(denied !== undefined);
      }),
      { seed, numRuns: 500 },
    );
  });
});
