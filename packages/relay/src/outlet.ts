/** The deliveries of one subscription: as many as the window allows, in order, read when they are sent. @module */
import { deliveryWindow } from '@talosprotocol/core/web';
import { firstBatch } from '@talosprotocol/core/message';
import { maxFrameBytes } from '@talosprotocol/core/session';
import type { StoredFrame } from './relay-database.ts';

export type OutletParts = {
  readonly subscription: number;
  readonly framesAfter: (id: number) => Iterable<StoredFrame>;
  /** In order; together within the bounds of one message. */
  readonly deliver: (subscription: number, frames: readonly StoredFrame[]) => void;
};

/** A consumer that does not acknowledge is given no more than the window: what waits stays in the database and not in memory. */
export class Outlet {
  readonly subscription: number;
  readonly #parts: OutletParts;
  readonly #unacknowledged: { readonly id: number; readonly bytes: number }[] = [];
  #unacknowledgedBytes = 0;
  #delivered = 0;

  constructor(parts: OutletParts) {
    this.#parts = parts;
    this.subscription = parts.subscription;
  }

  fill(): void {
    let waiting: readonly StoredFrame[] = this.#read();
    while (waiting.length > 0) {
      const batch = firstBatch(waiting, ({ body }) => body.length);
      this.#parts.deliver(this.subscription, batch);
      waiting = waiting.slice(batch.length);
    }
  }

  #read(): StoredFrame[] {
    const frames: StoredFrame[] = [];
    if (!this.#hasRoom()) return frames;
    for (const frame of this.#parts.framesAfter(this.#delivered)) {
      frames.push(frame);
      this.#delivered = frame.id;
      this.#unacknowledged.push({ id: frame.id, bytes: frame.body.length });
      this.#unacknowledgedBytes += frame.body.length;
      if (!this.#hasRoom()) break;
    }
    return frames;
  }

  #hasRoom(): boolean {
    return this.#unacknowledged.length < deliveryWindow.frames && this.#unacknowledgedBytes + maxFrameBytes <= deliveryWindow.bytes;
  }

  /** False if it was not delivered here: nothing may be deleted that its owner has not seen. */
  acknowledge(delivery: number): boolean {
    if (delivery > this.#delivered) return false;
    while (this.#unacknowledged[0] !== undefined && this.#unacknowledged[0].id <= delivery) {
      this.#unacknowledgedBytes -= this.#unacknowledged.shift()?.bytes ?? 0;
    }
    return true;
  }
}
