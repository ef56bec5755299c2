/** Calls that need a person: the run is suspended with the request, and resumed with the answer. @module */
import type { ApprovalPause } from '@talosprotocol/core/guard';

/** Where Mastra tells a tool how to suspend: in an agent, in a workflow step, or in an MCP server. */
type Place = { readonly suspend?: unknown; readonly resumeData?: unknown; readonly suspendPayload?: unknown };
type Context = Place & { readonly agent?: Place; readonly workflow?: Place & { readonly workflowId?: unknown } };

export type Suspending = {
  /** What the tool itself is given: an answer of ours is none of its own. */
  readonly context: unknown;
  readonly pause: ((value: ApprovalPause) => Promise<string>) | undefined;
};

/** Ends the guard's run of a call that was suspended: Mastra runs it again when it is resumed. */
export const suspended = /* @__PURE__ */ Symbol('suspended');

/** The answer that resumes a run, `{ answer }`, is asked for once; a forged one suspends it anew. */
export function suspendingIn(given: unknown): Suspending {
  const context = (typeof given === 'object' && given !== null ? given : {}) as Context;
  const { agent, workflow } = context;
  // A direct HTTP call brings a `workflow` without one, which waits for nobody.
  const places = [agent, workflow?.workflowId === undefined ? undefined : workflow, context];
  const suspend = places.find((place) => typeof place?.suspend === 'function')?.suspend as ((value: ApprovalPause) => Promise<unknown>) | undefined;
  if (suspend === undefined) return { context: given, pause: undefined };
  let answer = places.map(answerIn).find((found) => found !== undefined);
  const pause = async (value: ApprovalPause): Promise<string> => {
    const taken = answer;
    answer = undefined;
    if (taken !== undefined) return taken;
    await suspend(value);
    throw suspended;
  };
  return { context: answer === undefined ? given : withoutAnswer(context), pause };
}

function answerIn(place: Place | undefined): string | undefined {
  const { resumeData, suspendPayload } = place ?? {};
  const isOurs = suspendPayload === undefined || suspendPayload === null || Reflect.get(suspendPayload, 'type') === 'talos.approval';
  const answer: unknown = isOurs && typeof resumeData === 'object' && resumeData !== null ? Reflect.get(resumeData, 'answer') : undefined;
  return typeof answer === 'string' ? answer : undefined;
}

function withoutAnswer(context: Context): Context {
  const { agent, workflow } = context;
  return { ...without(context), ...(agent && { agent: without(agent) }), ...(workflow && { workflow: without(workflow) }) };
}

function without<P extends Place>({ resumeData: _answer, suspendPayload: _request, ...place }: P): Omit<P, 'resumeData' | 'suspendPayload'> {
  return place;
}
