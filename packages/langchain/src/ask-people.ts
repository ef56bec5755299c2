/** Calls that need a person, in a graph: it is interrupted with the request, and goes on with the answer. @module */
import type { ApprovalPause } from '@talosprotocol/core/guard';
import type { Config } from './tool-call-of.ts';

/** What a graph is interrupted with. It is answered by `new Command({ resume: answer })`, where `answer` is what `client.answerApproval` of an approver gave. */
export type ApprovalInterrupt = ApprovalPause;

/** How this run's graph is interrupted: LangGraph's `interrupt` throws, and gives the answer when the graph goes on. */
export function pauseOf(config: Config | undefined): ((value: ApprovalPause) => unknown) | undefined {
  const interrupt: unknown = config === undefined ? undefined : Reflect.get(config, 'interrupt');
  return typeof interrupt === 'function' ? (value) => askedOf(interrupt as Interrupt, value) : undefined;
}

type Interrupt = (value: ApprovalPause) => unknown;

/** Without a checkpointer a graph cannot wait, and the call is refused as it would be without one. */
function askedOf(interrupt: Interrupt, value: ApprovalPause): unknown {
  try {
    return interrupt(value);
  } catch (error) {
    if (isBubbleUp(error)) throw error;
    return undefined;
  }
}

/** How LangGraph steers itself: an interrupt, or a command to the parent. Never an error of a tool. */
export function isBubbleUp(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'is_bubble_up') === true;
}
