/** Calls that need a person, in a graph: it is interrupted with the request, and goes on with the answer. @module */
import type { TalosClient } from '@talosprotocol/core';
import type { GuardedResult, ToolCall } from '@talosprotocol/core/guard';
import type { Config } from './tool-call-of.ts';

type Desk = TalosClient['approvals'];
type Asking = { readonly desk: Desk; readonly call: ToolCall; readonly config: Config | undefined };

/** What a graph is interrupted with. It is answered by `new Command({ resume: answer })`, where `answer` is what `client.answerApproval` of an approver gave. */
export type ApprovalInterrupt = {
  readonly type: 'talos.approval';
  readonly tool: string;
  readonly callId: string | undefined;
  /** The signed request, for the approver; `client.approvals.open()` has what opens it. */
  readonly request: string;
};

type Answer = 'none needed' | 'answered' | 'no answer';

/**
 * LangGraph runs the whole tool again when it goes on. A call that waits already is therefore asked about before it is decided on: the
 * decision that it has to wait stands in the log once, however often the graph is resumed.
 */
export async function askPeople<T>(asking: Asking, run: () => Promise<GuardedResult<T>>): Promise<GuardedResult<T>> {
  const before = await ask(asking);
  const result = await run();
  if (before === 'no answer' || result.status !== 'denied' || result.denial.code !== 'APPROVAL_REQUIRED') return result;
  return (await ask(asking)) === 'answered' ? run() : result;
}

/** Does not return while a call waits and nobody answered: LangGraph's `interrupt` throws. */
async function ask({ desk, call, config }: Asking): Promise<Answer> {
  const interrupt: unknown = config === undefined ? undefined : Reflect.get(config, 'interrupt');
  if (typeof interrupt !== 'function') return 'no answer';
  for (let answer: Answer = 'none needed'; ; answer = 'answered') {
    const open = (await desk.open()).find(({ tool, input, answered, m }) => tool === call.tool && sameJson(input, call.input) && answered.length < m);
    if (open === undefined) return answer;
    const value: ApprovalInterrupt = { type: 'talos.approval', tool: call.tool, callId: call.callId, request: open.request };
    const taken = await submit(desk, askedOf(interrupt as Interrupt, value));
    if (taken !== 'ask again') return taken;
  }
}

type Interrupt = (value: ApprovalInterrupt) => unknown;

/** Without a checkpointer a graph cannot wait, and the call is refused as it would be without one. */
function askedOf(interrupt: Interrupt, value: ApprovalInterrupt): unknown {
  try {
    return interrupt(value);
  } catch (error) {
    if (isBubbleUp(error)) throw error;
    return undefined;
  }
}

/** An answer that does not count asks again, and so does one of several that are needed; what is none at all leaves the call refused. */
async function submit(desk: Desk, answer: unknown): Promise<'ask again' | Answer> {
  if (typeof answer !== 'string') return 'no answer';
  const submitted = await desk.submit(answer);
  return submitted.denied === undefined && submitted.verdict === 'deny' ? 'answered' : 'ask again';
}

/** How LangGraph steers itself: an interrupt, or a command to the parent. Never an error of a tool. */
export function isBubbleUp(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'is_bubble_up') === true;
}

function sameJson(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return Object.is(one, other);
  const names = Object.keys(one);
  if (Array.isArray(one) !== Array.isArray(other) || names.length !== Object.keys(other).length) return false;
  return names.every((name) => Object.hasOwn(other, name) && sameJson(Reflect.get(one, name), Reflect.get(other, name)));
}
