import { fileURLToPath } from 'node:url';
import { systemEnv } from '@talosprotocol/core';
import { memoryAuditStore, openAuditLog } from '@talosprotocol/core/audit';
import { assembleEvidence } from '@talosprotocol/core/evidence';
import { generateSigner } from '@talosprotocol/core/identity';
import { stampCheckpoint } from '@talosprotocol/timestamp';
import { afterAll, expect, it } from 'vitest';
import { authority, removeAuthorities, serve } from '../../packages/timestamp/test/authority.ts';
import { inChromium } from './in-chromium.ts';

afterAll(removeAuthorities);

it('[TSA-BROWSER] a page verifies the stamp and its chain offline, and refuses another authority', async (context) => {
  const [trusted, other] = [authority({ key: 'rsa' }), authority()];
  const tsa = await serve(trusted.answer);
  const log = await openAuditLog({ store: memoryAuditStore(), origin: 'acme.example/log', signer: generateSigner(systemEnv), env: systemEnv });
  const stamp = await stampCheckpoint(log, { url: tsa.url, authorities: [trusted.root] });
  await tsa.close();
  const file = await assembleEvidence({ logs: [{ log, since: [1] }], foreign: [stamp.evidence] });
  const page = fileURLToPath(new URL('timestamp.page.ts', import.meta.url));
  const verdicts = await inChromium(context, page, async (tab) => {
    const verify = (root: string) => tab.evaluate(`verify(${[file, log.verifierKey, root].map((text) => JSON.stringify(text)).join(',')})`);
    return [await verify(trusted.root), await verify(other.root)];
  });
  expect(verdicts).toEqual([[{ status: 'verified', time: stamp.time }], [{ status: 'failed' }]]);
});
