/**
 * `toolApproval` of AI SDK 7: the clean denial. It refuses early and permits nothing; the wrapped tool decides again, reserves and records.
 * @module
 */
import type { ModelMessage } from 'ai';
import { idsOf, type Caller } from './guard-execute.ts';
import type { Tools } from './guard-tools.ts';
import { digestOf } from './tool-definition.ts';

type Verdict = 'not-applicable' | 'approved' | 'denied' | 'user-approval';

/** The SDK's own statuses. `undefined` means `not-applicable`. */
export type ApprovalStatus =
  | undefined
  | Verdict
  | { type: 'not-applicable'; reason?: never }
  | { type: 'approved'; reason?: string }
  | { type: 'denied'; reason?: string }
  | { type: 'user-approval'; reason?: string };

/** What the SDK passes to a generic `toolApproval`. */
export type ApprovalCall = {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
  readonly messages: ModelMessage[];
  readonly tools?: unknown;
  readonly toolsContext?: unknown;
  readonly runtimeContext?: unknown;
};

type MaybePromise<T> = T | PromiseLike<T>;
/** As a method, so that a function which names its own, narrower parameters fits too. */
type GenericApproval = { ask(call: ApprovalCall): MaybePromise<ApprovalStatus> }['ask'];
type SingleApproval<INPUT> = { ask(input: INPUT, options: SingleApprovalOptions): MaybePromise<ApprovalStatus> }['ask'];
type SingleApprovalOptions = {
  readonly toolCallId: string;
  readonly messages: ModelMessage[];
  readonly toolContext: unknown;
  readonly runtimeContext: unknown;
};

/** A `toolApproval` of the user's, in both forms the SDK takes. */
export type ToolApproval<TOOLS extends Tools> = GenericApproval | { readonly [NAME in keyof TOOLS]?: ApprovalStatus | SingleApproval<InputOf<TOOLS[NAME]>> };

type InputOf<TOOL> = TOOL extends { readonly execute: (input: infer INPUT, options: never) => unknown } ? INPUT : unknown;

type Settings = { readonly tools: object; readonly toolApproval?: unknown };

const verdicts: ReadonlySet<unknown> = /* @__PURE__ */ new Set<Verdict>(['not-applicable', 'approved', 'denied', 'user-approval']);

/** Denied if either denies. Never throws: in the SDK that would end the whole run, and a policy that fails must only cost the call. */
export function composeApproval(caller: Caller, settings: Settings): (call: ApprovalCall) => Promise<ApprovalStatus> {
  return async (call) => {
    try {
      const { toolName, toolCallId, input } = call.toolCall;
      const toolDigest = await digestOf(toolName, (own(settings.tools, toolName) ?? own(call.tools, toolName) ?? {}) as object);
      const decision = await caller.guard.check({ tool: toolName, input, callId: toolCallId, toolDigest, ...idsOf(caller, call.messages) });
      if (!decision.allowed) return { type: 'denied', reason: JSON.stringify(decision.refusal) };
      return known(await askUser(settings, call));
    } catch {
      return { type: 'denied', reason: 'The approval policy failed, so the call was refused.' };
    }
  };
}

/** In the SDK's order: a generic function alone, else the tool's own entry, else the tool's `needsApproval`. */
async function askUser({ tools, toolApproval }: Settings, call: ApprovalCall): Promise<unknown> {
  if (typeof toolApproval === 'function') return (toolApproval as GenericApproval)(call);
  const { toolName, toolCallId, input } = call.toolCall;
  const { messages, runtimeContext } = call;
  const toolContext = own(call.toolsContext, toolName);
  const entry = own(toolApproval, toolName) ?? undefined;
  if (typeof entry === 'function') return (entry as SingleApproval<unknown>)(input, { toolCallId, messages, toolContext, runtimeContext });
  if (entry !== undefined) return entry;
  const needsApproval = ((own(tools, toolName) ?? own(call.tools, toolName)) as { readonly needsApproval?: unknown } | undefined)?.needsApproval ?? false;
  const needed =
    typeof needsApproval === 'function' ? await (needsApproval as NeedsApproval)(input, { toolCallId, messages, context: toolContext }) : needsApproval;
  return needed ? 'user-approval' : 'not-applicable';
}

type NeedsApproval = (input: unknown, options: { readonly toolCallId: string; readonly messages: ModelMessage[]; readonly context: unknown }) => unknown;

/** A status of a later version, or a policy that answers `true`, is not "no opinion": it is refused. */
function known(status: unknown): ApprovalStatus {
  const verdict = typeof status === 'object' && status !== null ? (status as { readonly type?: unknown }).type : status;
  if (verdict === undefined && status === undefined) return 'not-applicable';
  if (verdicts.has(verdict)) return status as ApprovalStatus;
  return { type: 'denied', reason: 'The approval policy gave no answer that is known, so the call was refused.' };
}

/** Own properties only: the name may come from a client, and `constructor` is on every object. */
function own(record: unknown, name: string): unknown {
  return typeof record === 'object' && record !== null && Object.hasOwn(record, name) ? (record as Record<string, unknown>)[name] : undefined;
}
