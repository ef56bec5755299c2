import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { any } from '../../src/capability/constraints/any.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { openHomePrivacy } from '../../src/node/home-privacy.ts';
import { nodeHome } from '../../src/node/node-home.ts';

const root = mkdtempSync(join(tmpdir(), 'talos-about-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("[PRIVACY-GUARD] a guard about a person seals its calls under that person's key, and they go with the person", async () => {
  const home = { dir: join(root, 'home'), stateDir: join(root, 'state') };
  const client = await TalosClient.create('agent', { stores: nodeHome(home) });
  const capability = await client.grant({ to: client.did, tools: { lookUp: { name: any() } } });
  const run = (about?: string) =>
    client.guard({ capability, ...(about && { about }) }).run({ tool: 'lookUp', input: { name: 'Lovelace' }, callId: about ?? 'nobody' }, () => 'found');
  await run('customer 4711');
  await run();
  const opened = async (call: string) => {
    const index = (await client.log.find('call', call)) ?? -1;
    return [...(await client.log.openings(index)), ...(await client.log.openings(index + 1))].map(({ field }) => field);
  };
  await client.guard({ capability, about: 'customer 4711' }).run({ tool: 'forbidden', input: { name: 'x' }, callId: 'refused' }, () => 'ran');
  expect((await client.log.openings(client.log.size - 1)).map(({ field }) => field)).toEqual(['subject', 'args']);
  expect(await opened('nobody')).toEqual(['args', 'result']);
  const { privacy, close } = await openHomePrivacy(home);
  expect(await privacy.eraseSubject('customer 4711', { reason: 'gdpr-17-1-a', authority: 'office' })).toMatchObject({ entries: 3 });
  expect(await opened('nobody')).toEqual(['args', 'result']);
  expect(await client.log.openings(client.log.size - 2)).toEqual([]);
  await close();
  await client.close();
});

it('[PRIVACY-GUARD] a home that cannot erase refuses a guard about a person', async () => {
  const client = await TalosClient.create('agent');
  const capability = await client.grant({ to: client.did, tools: { lookUp: { name: any() } } });
  expect(() => client.guard({ capability, about: 'customer 4711' })).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_OPTIONS' }));
  await client.close();
});
