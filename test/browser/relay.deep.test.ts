import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { startRelay } from '@talosprotocol/relay';
import { bundleForBrowser } from './bundle.ts';

const executablePath = '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

it('[TRN-BROWSER] two agents in a page meet by DID over a relay', async (context) => {
  if (!existsSync(executablePath) && process.env.CI !== 'true') context.skip('no Chromium at its Debian path');
  const bundle = await bundleForBrowser(fileURLToPath(new URL('relay.page.ts', import.meta.url)), { format: 'iife' });
  const folder = mkdtempSync(join(tmpdir(), 'talos-chromium-'));
  const relay = await startRelay({ path: join(folder, 'relay.db') });
  const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>agent</title>'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), { executablePath, args });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: new TextDecoder().decode(bundle) });
    expect(await page.evaluate(`talk(${JSON.stringify(relay.url)})`)).toEqual(['one', 'two', 'three']);
  } finally {
    await browser.close();
    site.close();
    await relay.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
