/**
 * Ends a test run with one line a person or a script can read: `N passed, N failed`. Before it: what failed, what passed only when it
 * was run again, and why tests were skipped, so that the end of a long output is enough to go on with.
 * @module
 */
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

type Outcome = 'passed' | 'failed' | 'skipped';

export class ClosingLineReporter implements Reporter {
  /** A module that did not load and an error outside every test are failures too: a run that lost tests must not look green. */
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()].map((test) => ({ test, module, outcome: outcomeOf(test, module) })));
    const having = (outcome: Outcome) => tests.filter((test) => test.outcome === outcome);
    const blamed = new Set(having('failed').map(({ module }) => module));
    const unloaded = modules.filter((module) => !module.ok() && !blamed.has(module));

    for (const { test, module } of having('passed'))
      if (test.diagnostic()?.flaky === true) say('passed when run again', nameOf(test, module), test.result().errors);
    for (const { test, module } of having('failed')) say('failed', nameOf(test, module), test.result().errors);
    for (const module of unloaded) say('failed', module.relativeModuleId, module.errors());
    for (const error of unhandledErrors) say('failed', 'outside every test', [error]);

    const reasons = having('skipped').map(({ test }) => reasonOf(test));
    for (const reason of new Set(reasons)) process.stdout.write(`skipped ${reasons.filter((other) => other === reason).length}: ${reason}\n`);
    const failed = having('failed').length + unloaded.length + unhandledErrors.length;
    process.stdout.write(`${having('passed').length} passed, ${failed} failed${reasons.length > 0 ? `, ${reasons.length} skipped` : ''}\n`);
  }
}

const nameOf = (test: TestCase, module: TestModule): string => `${module.relativeModuleId} > ${test.fullName}`;

function say(what: string, where: string, errors: readonly { readonly message?: string }[] = []): void {
  const reason = errors[0]?.message?.split('\n')[0];
  process.stdout.write(`${what}: ${where}${reason === undefined ? '' : `: ${reason}`}\n`);
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
