/** Which run and which agent a call belongs to: the SDK hands one `RunContext` to everything in a run, and names the agent only when it asks what is enabled. @module */
export type Ids = { readonly runId?: string | undefined; readonly agentName?: string | undefined };

export interface Runs {
  idsOf(runContext: unknown): Ids;
  /** This agent is on: the SDK is asking which of its tools there are. */
  enter(runContext: unknown, agent: unknown): void;
}

export function trackRuns(): Runs {
  const known = new WeakMap<object, { readonly runId: string; agentName?: string }>();
  const runOf = (runContext: unknown): { readonly runId: string; agentName?: string } | undefined => {
    if (typeof runContext !== 'object' || runContext === null) return undefined;
    const run = known.get(runContext) ?? { runId: crypto.randomUUID() };
    known.set(runContext, run);
    return run;
  };
  return {
    idsOf: (runContext) => ({ ...runOf(runContext) }),
    enter: (runContext, agent) => {
      const run = runOf(runContext);
      const { name } = (agent ?? {}) as { readonly name?: unknown };
      if (run !== undefined && typeof name === 'string') run.agentName = name;
    },
  };
}
