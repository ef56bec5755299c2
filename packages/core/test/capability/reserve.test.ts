import { describe, expect, it } from 'vitest';
import { authorize, reserve, spendGrant, type Grant, type Permit } from '../../src/capability/index.ts';
import { codeOf } from '../errors/code-of.ts';
import { grant, world } from './support.ts';

async function permitted() {
  const { handleFor, env } = world();
  const handle = await handleFor([grant('read'), grant('search')]);
  const permit = authorize(handle, { tool: 'search', input: {} });
  if (permit.denied) throw new Error('not permitted');
  return { handle, permit, env };
}

describe('reserve', () => {
  it('[CAP-GRANT] turns a permit into a grant that names tool, capability and grant', async () => {
    const { handle, permit } = await permitted();
    expect(await reserve(permit)).toMatchObject({ tool: 'search', cap: handle.cap, grant: 1 });
  });

  it('[CAP-GRANT] a permit gives one grant', async () => {
    const { permit } = await permitted();
    const [first, second] = await Promise.all([reserve(permit), reserve(permit)]);
    expect(first.denied).toBeUndefined();
    expect(second.denied).toMatchObject({ code: 'HANDLE_UNKNOWN' });
  });

  it('[CAP-GRANT] nothing but the object that authorize gave is a permit', async () => {
    const { permit } = await permitted();
    for (const value of [undefined, null, {}, { ...permit }, structuredClone(permit), Object.create(permit), new Proxy(permit, {}), 'permit']) {
      expect((await reserve(value as Permit)).denied).toMatchObject({ code: 'HANDLE_UNKNOWN' });
    }
    expect((await reserve(permit)).denied).toBeUndefined();
  });

  it('[CAP-TIME] a permit does not outlive its capability', async () => {
    const { permit, env, handle } = await permitted();
    env.advance(330);
    expect((await reserve(permit)).denied).toMatchObject({ code: 'EXPIRED', cap: handle.cap });
  });

  it('[CAP-GRANT] a grant is spent once, and nothing else can be spent', async () => {
    const { permit } = await permitted();
    const minted = (await reserve(permit)) as Grant;
    for (const value of [undefined, {}, { ...minted }, structuredClone(minted), Object.create(minted), new Proxy(minted, {}), permit]) {
      expect(codeOf(() => spendGrant(value as Grant))).toBe('TALOS_USAGE_ARGUMENT');
    }
    spendGrant(minted);
    expect(codeOf(() => spendGrant(minted))).toBe('TALOS_USAGE_ARGUMENT');
  });
});
