/**
 * What every adapter must keep, as cases that any test runner can run, against the framework's own loop. A new adapter writes an
 * `AdapterHarness` and passes it as it stands. @module
 */
import { allow, deny, doubleWrap, observe, parallel, pinned, tampered, twoGuards } from './adapter-decision-cases.ts';
import type { AdapterHarness, AdapterMode } from './adapter-harness.ts';
import { approval, recordKey, subAgent } from './adapter-record-cases.ts';
import { remoteAbort, remoteThrows, remoteTool } from './adapter-remote-cases.ts';
import { abort, expiredMidRun, generator, logUnavailable, revokedMidRun, toolThrows } from './adapter-running-cases.ts';
import { withWorld, type AdapterWorld } from './adapter-world.ts';
import type { ConformanceCase } from './conformance.ts';

/** `cannot`: why the framework cannot express the case. `run` does nothing then: hand the reason to the runner's own way to skip. */
export type AdapterCase = ConformanceCase & { readonly cannot?: string };

type Check = <Guard>(world: AdapterWorld<Guard>) => Promise<void>;

const cases: { readonly [name: string]: Check } = {
  'a granted call runs, and is answered as without a guard': allow,
  'a refused call does not run, and the model reads why': deny,
  'what a tool throws reaches the model as without a guard': toolThrows,
  'a tool that yields still streams, and is refused before its first step': generator,
  'of three calls at once only the refused one is stopped': parallel,
  'a right that is taken back while a tool runs stops that tool, and the next': revokedMidRun,
  'a right that ends while a tool runs allows no further call': expiredMidRun,
  'a token that was tampered with allows nothing': tampered,
  'a call that cannot be recorded does not run': logUnavailable,
  'an abort reaches the tool and the record': abort,
  'guarded twice is guarded once': doubleWrap,
  'with two guards both have to allow': twoGuards,
  'the tools of a sub-agent are guarded': subAgent,
  'a call that needs a person waits, and runs once when it is agreed to': approval,
  'observe mode runs what it would refuse, records it, and ends': observe,
  'entries are told apart by run, agent, call and sequence': recordKey,
  'a grant may pin the definition of a tool': pinned,
  'a tool of another agent is called over a sealed session, under that agent’s guard': remoteTool,
  'what a tool of another agent throws does not end the run': remoteThrows,
  'an abort reaches a tool of another agent': remoteAbort,
};

export const adapterCaseNames: readonly string[] = /* @__PURE__ */ Object.keys(cases);

/** @throws {@link Error} on a harness that declares a case that is not there, or gives no reason. */
export function adapterSuite<Guard>(harness: AdapterHarness<Guard>): readonly AdapterCase[] {
  const { cannot = {}, modes } = harness;
  for (const [name, reason] of Object.entries(cannot)) {
    if (!Object.hasOwn(cases, name)) throw new Error(`there is no case named ${name}`);
    if (reason.trim() === '') throw new Error(`say why ${harness.framework} cannot express: ${name}`);
  }
  if (modes.length === 0) throw new Error('a harness runs its agents in at least one mode');
  return Object.entries(cases).flatMap(([name, check]) => modes.map((mode) => caseOf({ harness, mode }, { name, check })));
}

function caseOf<Guard>(
  under: { readonly harness: AdapterHarness<Guard>; readonly mode: AdapterMode },
  { name, check }: { readonly name: string; readonly check: Check },
): AdapterCase {
  const title = `${name} (${under.mode})`;
  const reason = under.harness.cannot?.[name];
  if (reason !== undefined) return { name: title, cannot: reason, run: async () => undefined };
  return { name: title, run: () => withWorld(under, check) };
}
