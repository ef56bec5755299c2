/** The porch: time, randomness and timers come into the pure rooms through here and nowhere else. @module */
import { randomBytes } from '#suite';

export interface Env {
  /** Wall clock, milliseconds since 1970. May jump; compare with `monotonic` for durations. */
  now(): number;
  /** Milliseconds from an arbitrary start, never backwards. */
  monotonic(): number;
  /** `length` bytes from a cryptographic generator, a fresh array each time. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** Calls `run` once after `delayMs`. A pending timer must not keep a process alive. The result cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/** What every JavaScript runtime we support has, named here because the pure rooms see no platform types. */
type Platform = {
  readonly performance: { now(): number };
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
};

const platform = globalThis as unknown as Platform;

/** The machine's own clock, timers and generator. */
export const systemEnv: Env = /* @__PURE__ */ Object.freeze({
  now: () => Date.now(),
  monotonic: () => platform.performance.now(),
  // Itself, not a wrapper: by this the suite knows that keys may come from the platform.
  randomBytes,
  after: (delayMs: number, run: () => void) => {
    const timer = platform.setTimeout(run, delayMs);
    // Node's timer objects can let the process end; a browser's are numbers and need not.
    (timer as { unref?: () => void }).unref?.();
    return () => platform.clearTimeout(timer);
  },
});
