import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
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
  '--host-resolver-rules=MAP * ~NOTFOUND',
];

it('[PKG-CHROMIUM] a guarded run with the portable suite', async (context) => {
  if (!existsSync(executablePath) && process.env.CI !== 'true') context.skip('no Chromium at its Debian path');
  const bundle = await bundleForBrowser(fileURLToPath(new URL('guard-path.page.ts', import.meta.url)), { format: 'iife' });
  const profile = mkdtempSync(join(tmpdir(), 'talos-chromium-'));
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content: new TextDecoder().decode(bundle) });
    const outcome = await page.evaluate('outcome');
    expect(outcome).toEqual({ allowed: 'ok', denied: 'ARG_VIOLATES', ran: 1, proved: true, entries: 5 });
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
});
