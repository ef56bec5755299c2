/** One guarded call, in LangChain's terms: what the guard is asked, and what the framework gets back. @module */
import { askPeople, deniedError, type Guard, type GuardedResult, type Refusal, type ToolCall } from '@talosprotocol/core/guard';
import { ToolMessage } from '@langchain/core/messages/tool';
import { pauseOf } from './ask-people.ts';
import type { Caller } from './caller.ts';
import { recordHandoff } from './handoff.ts';
import { contextOf, type Config } from './tool-call-of.ts';

type Arguments = Parameters<Parameters<Guard['run']>[1]>[0];

export type Refused = { readonly call: ToolCall; readonly refusal: Refusal; readonly entryId: string | undefined };

export type GuardedCall = {
  readonly call: ToolCall;
  readonly config: Config | undefined;
  /**
   * @param input - The guard's own copy of the arguments.
   * @param signal - Ends with the run, and when the capability is revoked meanwhile.
   */
  readonly execute: (input: Arguments, signal: AbortSignal) => unknown;
  /** What the framework gets in place of the tool's result; may throw. */
  readonly refuse: (refused: Refused) => unknown;
};

/**
 * Runs a call under the guard. Whether a tool streams is known only once it has begun, so a generator is passed on as soon as the tool
 * returns one, and the guarded run stays open until it has ended. What the tool throws is thrown, unchanged.
 */
export function guardedRun(caller: Caller, { call, config, execute, refuse }: GuardedCall): Promise<unknown> {
  const guard = caller.guardIn(contextOf(config));
  const desk = caller.approvals();
  return new Promise((resolve, reject) => {
    const run = (): Promise<GuardedResult<unknown>> =>
      guard.run(call, async (input, _grant, signal) => {
        const output = await execute(input, signal);
        if (!isGenerator(output)) return output;
        return new Promise((finish, fail) => {
          resolve(relay(output, { finish, fail, concluded: () => concluded }));
        });
      });
    const concluded = (desk === undefined ? run() : askPeople({ desk, call, pause: pauseOf(config) }, run)).then(async (result) => {
      const recording = result.status === 'ok' && caller.turns ? recordHandoff(guard, call, result.value) : undefined;
      if (recording !== undefined) await recording;
      return conclude(result, (refusal, entryId) => refuse({ call, refusal, entryId }));
    });
    concluded.then(resolve, reject);
  });
}

/**
 * The refusal as the tool's own result, so that the agent's loop goes on, with and without middleware. Nothing but a tool call can
 * take a message: a tool that was called directly throws.
 * @throws {@link TalosDeniedError} `TALOS_DENIED` if the call has no tool call id.
 */
export function refusalMessage({ call, refusal, entryId }: Refused): ToolMessage {
  if (call.callId === undefined) throw deniedError(refusal, entryId);
  // The artifact is for the developer, who finds the log entry by it; models do not see it.
  return new ToolMessage({ status: 'error', content: JSON.stringify(refusal), tool_call_id: call.callId, name: call.tool, artifact: { entryId } });
}

function conclude(result: GuardedResult<unknown>, refuse: (refusal: Refusal, entryId: string | undefined) => unknown): unknown {
  if (result.status === 'ok') return result.value;
  if (result.status === 'error') throw result.error;
  return refuse(result.refusal, result.entryId);
}

type Generator = AsyncGenerator<unknown, unknown, undefined>;

/** LangChain's own test for a tool that streams. */
function isGenerator(output: unknown): output is Generator {
  return typeof output === 'object' && output !== null && typeof Reflect.get(output, 'next') === 'function';
}

type Run = { readonly finish: (value: unknown) => void; readonly fail: (error: unknown) => void; readonly concluded: () => Promise<unknown> };

/** Hands on what the tool yields, then ends the guarded run with what it returned or threw: that is recorded before anyone has it. */
async function* relay(tool: Generator, { finish, fail, concluded }: Run): Generator {
  try {
    finish(yield* tool);
  } catch (error) {
    fail(error);
  } finally {
    // Reached unsettled only when the consumer stopped early, which is no error of the tool.
    finish(undefined);
    await concluded();
  }
  return concluded();
}
