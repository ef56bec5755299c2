type Calling = { readonly callers: number; readonly turns: number; readonly call: () => Promise<unknown> };

/** One round of so many callers, each waiting `turns` times for its own call, as concurrent tool calls do. */
export function concurrentRound({ callers, turns, call }: Calling): () => Promise<{ readonly micros: number[]; readonly totalMicros: number }> {
  const caller = async (micros: number[]): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) {
      const started = performance.now();
      await call();
      micros.push((performance.now() - started) * 1000);
    }
  };
  return async () => {
    const micros: number[] = [];
    const started = performance.now();
    await Promise.all(Array.from({ length: callers }, () => caller(micros)));
    return { micros, totalMicros: (performance.now() - started) * 1000 };
  };
}
