import { describe, expect, it } from 'vitest';
import { adapterCaseNames, adapterSuite } from '../../src/testing/index.ts';
import { plainLoop, type Fault } from './plain-loop.ts';

const fails = async (fault: Fault, name: string): Promise<boolean> => {
  const found = adapterSuite(plainLoop(fault)).find((each) => each.name === `${name} (generate)`);
  return found!.run().then(
    () => false,
    () => true,
  );
};

const remoteCase = 'a tool of another agent is called over a sealed session, under that agent’s guard';

describe('the adapter suite', () => {
  it.each(adapterSuite(plainLoop()))('[SUITE-ADAPTER] passes an adapter that keeps everything: $name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });

  it.each([
    ['no-guard', 'a refused call does not run, and the model reads why'],
    ['no-guard', 'a right that ends while a tool runs allows no further call'],
    ['no-guard', 'a token that was tampered with allows nothing'],
    ['no-guard', 'of three calls at once only the refused one is stopped'],
    ['no-guard', 'a call that needs a person waits, and runs once when it is agreed to'],
    ['runs-unrecorded', 'a call that cannot be recorded does not run'],
    ['check-only', 'a granted call runs, and is answered as without a guard'],
    ['swallows-refusal', 'a refused call does not run, and the model reads why'],
    ['no-signal', 'an abort reaches the tool and the record'],
    ['no-signal', 'a right that is taken back while a tool runs stops that tool, and the next'],
    ['no-run-id', 'entries are told apart by run, agent, call and sequence'],
    ['one-run-id', 'entries are told apart by run, agent, call and sequence'],
    ['one-run-id', 'the tools of a sub-agent are guarded'],
    ['no-agent', 'the tools of a sub-agent are guarded'],
    ['wraps-again', 'guarded twice is guarded once'],
    ['first-guard-only', 'with two guards both have to allow'],
    ['drains-generator', 'a tool that yields still streams, and is refused before its first step'],
    ['begins-generator', 'a tool that yields still streams, and is refused before its first step'],
    ['no-digest', 'a grant may pin the definition of a tool'],
    ['name-digest', 'a grant may pin the definition of a tool'],
    ['hides-error', 'what a tool throws reaches the model as without a guard'],
    ['no-observe', 'observe mode runs what it would refuse, records it, and ends'],
    ['always-observe', 'observe mode runs what it would refuse, records it, and ends'],
    ['always-observe', 'a refused call does not run, and the model reads why'],
    ['records-input', 'a granted call runs, and is answered as without a guard'],
    ['records-input', remoteCase],
    ['swallows-refusal', remoteCase],
    ['no-call-id', remoteCase],
    ['calls-twice', remoteCase],
    ['no-signal', 'an abort reaches a tool of another agent'],
  ] as const)('[SUITE-ADAPTER-FINDS] finds the fault %s in: %s', async (fault, name) => {
    expect(await fails(fault, name)).toBe(true);
  });

  it('[SUITE-ADAPTER-DECLARES] takes a case that a framework cannot express only with a reason, and no other', () => {
    const [name = ''] = adapterCaseNames;
    const declared = adapterSuite({ ...plainLoop(), cannot: { [name]: 'it has no tools' } });
    expect(declared.map(({ cannot }) => cannot).filter((reason) => reason !== undefined)).toEqual(['it has no tools']);
    expect(declared).toHaveLength(adapterCaseNames.length);
    expect(() => adapterSuite({ ...plainLoop(), cannot: { [name]: ' ' } })).toThrow('say why');
    expect(() => adapterSuite({ ...plainLoop(), cannot: { 'a case of my own': 'why not' } })).toThrow('no case named');
    expect(() => adapterSuite({ ...plainLoop(), modes: [] })).toThrow('at least one mode');
  });

  it('[SUITE-ADAPTER-DECLARES] a harness without remote tools fails their cases unless it says why', async () => {
    const { remote: _remote, ...lone } = plainLoop();
    const remote = (cases: ReturnType<typeof adapterSuite>) => cases.find(({ name }) => name.startsWith(remoteCase))!;
    await expect(remote(adapterSuite(lone)).run()).rejects.toThrow('has no remote()');
    await expect(remote(adapterSuite({ ...lone, cannot: { [remoteCase]: 'its tools are fixed' } })).run()).resolves.toBeUndefined();
  });
});
