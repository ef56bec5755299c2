/**
 * Measures several benches in one run: they take turns in short rounds, so that a slow second of the machine falls on all of
 * them, and a ratio to a floor of the same run means something where an absolute figure does not.
 * @module
 */

/** One bench, opened: its state is made and the timed part is ready to be called. */
export type Opened = {
  /** Untimed, before each round: makes what the next `count` calls consume. */
  readonly prepare?: (count: number) => void | Promise<void>;
  readonly close?: () => void | Promise<void>;
} & (
  | { readonly sync: (index: number) => unknown }
  | { readonly async: (index: number) => Promise<unknown> }
  /** Times itself: a child process or many waiting callers. Latencies in microseconds, and how long all of them took. */
  | { readonly round: () => Promise<{ readonly micros: readonly number[]; readonly totalMicros: number }> }
);

export type Bench = {
  readonly name: string;
  /** The bench that this one is held against; it is measured with it. */
  readonly floor?: string;
  /** Rounds of this bench at most, for those whose single call is slow. */
  readonly maxRounds?: number;
  /** Why it cannot be measured on this machine; undefined where it can. */
  readonly skip?: () => Promise<string | undefined>;
  readonly open: () => Promise<Opened>;
};

export type Measurement = { readonly name: string; readonly opsPerSecond: number; readonly medianMicros: number; readonly p99Micros: number };

/** Long enough to be past the optimiser, short enough that the turns alternate many times in a run. */
const roundMillis = 40;
const rounds = 40;
/** A reading of the clock costs about a tenth of a microsecond: a sample holds as many calls as make that small. */
const sampleMicros = 20;

type Turn = {
  readonly bench: Bench;
  readonly opened: Opened;
  readonly samples: number[];
  calls: number;
  micros: number;
  batch: number;
  perRound: number;
  next: number;
};

export async function measure(benches: readonly Bench[]): Promise<readonly Measurement[]> {
  const turns: Turn[] = [];
  for (const bench of benches) turns.push({ bench, opened: await bench.open(), samples: [], calls: 0, micros: 0, batch: 1, perRound: 1, next: 0 });
  try {
    for (const turn of turns) await warmUp(turn);
    for (let round = 0; round < rounds; round += 1) {
      for (const turn of turns) if (round < (turn.bench.maxRounds ?? rounds)) await playRound(turn);
    }
  } finally {
    for (const { opened } of turns) await opened.close?.();
  }
  return turns.map(summary);
}

/** Finds how many calls fill a sample and a round, and lets the optimiser see the code. Its samples do not count. */
async function warmUp(turn: Turn): Promise<void> {
  const until = performance.now() + 5 * roundMillis;
  while (performance.now() < until) {
    await playRound(turn);
    if ('round' in turn.opened) break;
    const micros = median(turn.samples);
    turn.batch = Math.max(1, Math.ceil(sampleMicros / micros));
    turn.perRound = Math.max(1, Math.ceil((roundMillis * 1000) / (micros * turn.batch)));
    turn.samples.length = 0;
  }
  Object.assign(turn, { calls: 0, micros: 0 });
  turn.samples.length = 0;
}

async function playRound(turn: Turn): Promise<void> {
  const { opened, batch, perRound } = turn;
  await opened.prepare?.(batch * perRound);
  if (opened.prepare !== undefined) turn.next = 0;
  if ('round' in opened) {
    const { micros, totalMicros } = await opened.round();
    turn.samples.push(...micros);
    turn.calls += micros.length;
    turn.micros += totalMicros;
    return;
  }
  for (let sample = 0; sample < perRound; sample += 1) {
    const started = performance.now();
    if ('sync' in opened) for (let call = 0; call < batch; call += 1) opened.sync(turn.next + call);
    else for (let call = 0; call < batch; call += 1) await opened.async(turn.next + call);
    const micros = (performance.now() - started) * 1000;
    turn.next += batch;
    turn.samples.push(micros / batch);
    turn.calls += batch;
    turn.micros += micros;
  }
}

function summary({ bench, samples, calls, micros }: Turn): Measurement {
  return { name: bench.name, opsPerSecond: (calls / micros) * 1e6, medianMicros: median(samples), p99Micros: quantile(samples, 0.99) };
}

function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
