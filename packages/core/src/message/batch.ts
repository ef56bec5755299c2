/** Several frames from hand to hand at once: what one commit keeps, one sync of a disk, one word on the wire. @module */

/** What one commit keeps. Above it the sync of the disk is no longer what a message costs. */
export const maxBatchFrames = 256;
/** A batch ends before the frame that makes it larger; its first frame is always in it. */
export const maxBatchBytes: number = 512 * 1024;

/** Resolves with how many of the frames, counted from the first, may be forgotten. */
export type BatchHandler = (frames: readonly Uint8Array[]) => Promise<number>;

/** What goes first, within both bounds, and of at most `maxFrames`. Empty only if nothing waits. */
export function firstBatch<T>(waiting: readonly T[], bytesOf: (each: T) => number, maxFrames: number = maxBatchFrames): readonly T[] {
  let [count, bytes] = [0, 0];
  for (const each of waiting) {
    bytes += bytesOf(each);
    if (count === maxFrames || (count > 0 && bytes > maxBatchBytes)) break;
    count++;
  }
  return waiting.slice(0, count);
}

/** For batches of one. */
export function oneAtATime(handler: (frame: Uint8Array) => Promise<void>): BatchHandler {
  return async ([frame]) => {
    if (frame !== undefined) await handler(frame);
    return 1;
  };
}

/** What a handler that rejects, or claims more than it got, took. */
export async function countTaken(handler: BatchHandler, frames: readonly Uint8Array[]): Promise<number> {
  try {
    return Math.min(frames.length, await handler(frames));
  } catch {
    // The handler's failure is not the sender's: its frames wait.
    return 0;
  }
}
