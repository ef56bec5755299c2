/** A page in headless Chromium, on a loopback address, so that it is a secure context. @module */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import type { TestContext } from 'vitest';
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

/** Runs `use` on a page that has loaded `module`, bundled as a user's bundler would. Skips where there is no Chromium, unless CI says there has to be. */
export async function inChromium<T>(context: TestContext, module: string, use: (page: Page) => Promise<T>): Promise<T> {
  if (!existsSync(executablePath) && process.env.CI !== 'true') context.skip('no Chromium at its Debian path');
  const bundle = await bundleForBrowser(module, { format: 'iife' });
  const profile = mkdtempSync(join(tmpdir(), 'talos-chromium-'));
  const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>agent</title>'));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: new TextDecoder().decode(bundle) });
    return await use(page);
  } finally {
    await browser.close();
    site.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
