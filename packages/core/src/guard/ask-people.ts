/** Calls that need a person, in a framework that can stop a run and take it up again: it stops with the request, and goes on with the answer. @module */
import type { ApprovalDesk } from '../capability/approval-desk.ts';
import type { GuardedResult } from './guard.ts';
import type { ToolCall } from './tool-call.ts';

/** What a run is stopped with. The answer is what `client.answerApproval` of an approver gave. */
export type ApprovalPause = {
  readonly type: 'talos.approval';
  readonly tool: string;
  readonly callId: string | undefined;
  /** The signed request, for the approver; `client.approvals.open()` has what opens it. */
  readonly request: string;
};

/** A call that may need a person, and how its run is stopped for one. */
export type Asking = {
  readonly desk: Pick<ApprovalDesk, 'open' | 'submit'>;
  readonly call: ToolCall;
  /** Gives the answer, or throws what stops the run. Undefined where this run cannot stop: the call is refused as it would be without. */
  readonly pause: ((value: ApprovalPause) => unknown) | undefined;
};

type Answer = 'none needed' | 'answered' | 'no answer';

/**
 * Frameworks run the whole tool again when they go on. A call that waits already is therefore asked about before it is decided on: the
 * decision that it has to wait stands in the log once, however often the run is taken up again.
 * @throws what `pause` throws.
 */
export async function askPeople<T>(asking: Asking, run: () => Promise<GuardedResult<T>>): Promise<GuardedResult<T>> {
  const before = await ask(asking);
  const result = await run();
  if (before === 'no answer' || result.status !== 'denied' || result.denial.code !== 'APPROVAL_REQUIRED') return result;
  return (await ask(asking)) === 'answered' ? run() : result;
}

async function ask({ desk, call, pause }: Asking): Promise<Answer> {
  if (pause === undefined) return 'no answer';
  for (let answer: Answer = 'none needed'; ; answer = 'answered') {
    const open = (await desk.open()).find(({ tool, input, answered, m }) => tool === call.tool && sameJson(input, call.input) && answered.length < m);
    if (open === undefined) return answer;
    const taken = await submit(desk, await pause({ type: 'talos.approval', tool: call.tool, callId: call.callId, request: open.request }));
    if (taken !== 'ask again') return taken;
  }
}

/** An answer that does not count asks again, and so does one of several that are needed; what is none at all leaves the call refused. */
async function submit(desk: Pick<ApprovalDesk, 'submit'>, answer: unknown): Promise<'ask again' | Answer> {
  if (typeof answer !== 'string') return 'no answer';
  const submitted = await desk.submit(answer);
  return submitted.denied === undefined && submitted.verdict === 'deny' ? 'answered' : 'ask again';
}

function sameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return Object.is(one, other);
  const names = Object.keys(one);
  if (Array.isArray(one) !== Array.isArray(other) || names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && sameJson(Reflect.get(one, name), Reflect.get(other, name)));
}
