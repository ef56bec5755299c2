import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRelay } from '@talosprotocol/relay';
import { expect, it } from 'vitest';
import { inChromium } from './in-chromium.ts';

it('[TRN-BROWSER] two agents in a page meet by DID over a relay', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'talos-relay-'));
  const relay = await startRelay({ path: join(folder, 'relay.db') });
  try {
    const talk = `talk(${JSON.stringify(relay.url)})`;
    const said = await inChromium(context, fileURLToPath(new URL('relay.page.ts', import.meta.url)), (page) => page.evaluate(talk));
    expect(said).toEqual(['one', 'two', 'three']);
  } finally {
    await relay.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
