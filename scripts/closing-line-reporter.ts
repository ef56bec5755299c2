/** Ends a test run with one line a person or a script can read: `N passed, N failed`, and before it why tests were skipped. @module */
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

type Outcome = 'passed' | 'failed' | 'skipped';

export class ClosingLineReporter implements Reporter {
  /** A module that did not load and an error outside every test are failures too: a run that lost tests must not look green. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skips = new Map<string, number>();
    for (const module of modules) {
      const tests = [...module.children.allTests()].map((test) => ({ test, outcome: outcomeOf(test, module) }));
      for (const { test, outcome } of tests) {
        counts[outcome] += 1;
        if (outcome === 'skipped') skips.set(reasonOf(test), (skips.get(reasonOf(test)) ?? 0) + 1);
      }
      if (!module.ok() && !tests.some(({ outcome }) => outcome === 'failed')) counts.failed += 1;
    }
    for (const [reason, count] of skips) process.stdout.write(`skipped ${count}: ${reason}\n`);
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}\n`);
  }
}

/** A test that a failed hook kept from running reads as skipped, though nobody skipped it. */
function outcomeOf(test: TestCase, module: TestModule): Outcome {
  const result = test.result();
  if (result.state === 'passed') return 'passed';
  if (result.state !== 'skipped') return 'failed';
  return result.note === undefined && test.options.mode === 'run' && !module.ok() ? 'failed' : 'skipped';
}

/** What the test said, or the title of a suite that was skipped whole, as `describe.skipIf` takes no reason. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note !== undefined) return result.note;
  let reason = `no reason given: ${test.fullName}`;
  for (let parent = test.parent; parent.type === 'suite'; parent = parent.parent) if (parent.options.mode === 'skip') reason = parent.fullName;
  return reason;
}
