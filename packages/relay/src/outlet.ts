/** The deliveries of one subscription: as many as the window allows, in order, read when they are sent. @module */
import { deliveryWindow } from '@talosprotocol/core/web';
import { maxFrameBytes } from '@talosprotocol/core/session';
import type { StoredFrame } from './relay-database.ts';

export type OutletParts = {
  readonly subscription: number;
  readonly next: (after: number) => StoredFrame | undefined;
  readonly deliver: (subscription: number, frame: StoredFrame) => void;
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
    while (this.#unacknowledged.length < deliveryWindow.frames && this.#unacknowledgedBytes + maxFrameBytes <= deliveryWindow.bytes) {
      const frame = this.#parts.next(this.#delivered);
      if (frame === undefined) return;
      this.#delivered = frame.id;
      this.#unacknowledged.push({ id: frame.id, bytes: frame.body.length });
      this.#unacknowledgedBytes += frame.body.length;
      this.#parts.deliver(this.subscription, frame);
    }
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
