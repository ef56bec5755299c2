import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { inChromium } from './in-chromium.ts';

it('[PKG-CHROMIUM] a guarded run with the portable suite', async (context) => {
  const outcome = await inChromium(context, fileURLToPath(new URL('guard-path.page.ts', import.meta.url)), (page) => page.evaluate('outcome'));
  expect(outcome).toEqual({ allowed: 'ok', denied: 'ARG_VIOLATES', ran: 1, proved: true, entries: 5 });
});
