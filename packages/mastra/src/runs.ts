/** Which run a step belongs to. Mastra tells its processors an id in some versions only; the list of messages is one object for all steps of a run. @module */
export type StepOfRun = { readonly runId?: string; readonly messageList?: unknown };

const runOfMessages = /* @__PURE__ */ new WeakMap<object, string>();

/** Mastra's own id where it is told; else one of ours, which the entries of this run share that know no other. */
export function runOf({ runId, messageList }: StepOfRun): string | undefined {
  if (runId !== undefined || typeof messageList !== 'object' || messageList === null) return runId;
  const known = runOfMessages.get(messageList) ?? crypto.randomUUID();
  runOfMessages.set(messageList, known);
  return known;
}
