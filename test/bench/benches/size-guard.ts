import { fileURLToPath } from 'node:url';
import { bundleForBrowser } from '../../browser/bundle.ts';

/** The guard path for the browser, minified: capability, memory log, guard and the portable suite. Chains and the rarer words come later, with the first token that has any. */
export const sizeGuard = {
  name: 'size-guard',
  bytes: async () => (await bundleForBrowser(fileURLToPath(new URL('../../browser/guard-path.ts', import.meta.url)), { startOnly: true })).length,
};
