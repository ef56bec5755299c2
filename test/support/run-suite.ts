/** `node run-suite.ts <harness file>`: runs the adapter suite outside any test runner and prints what became of each case, as JSON. @module */
import { pathToFileURL } from 'node:url';
import { adapterSuite, type AdapterHarness } from '@talosprotocol/core/testing';

export type SuiteResult = { readonly name: string; readonly result: 'passed' | 'cannot' | 'failed'; readonly reason?: string };

const { harness } = (await import(pathToFileURL(process.argv[2] ?? '').href)) as { readonly harness: AdapterHarness<unknown> };
// A case waits by timers of an `Env`, which keep no process alive.
setInterval(() => undefined, 1000);
const results: SuiteResult[] = [];
for (const { name, cannot, run } of adapterSuite(harness)) results.push(await resultOf(name, cannot, run));
process.stdout.write(`\n${JSON.stringify(results)}\n`);
// The interval above, and a framework may keep timers of its own.
process.exit(0);

async function resultOf(name: string, cannot: string | undefined, run: () => Promise<void>): Promise<SuiteResult> {
  if (cannot !== undefined) return { name, result: 'cannot', reason: cannot };
  try {
    await run();
    return { name, result: 'passed' };
  } catch (error) {
    return { name, result: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
