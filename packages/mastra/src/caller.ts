/** Who decides on calls, and where those wait that need a person. @module */
import type { TalosClient } from '@talosprotocol/core';
import { UsageError } from '@talosprotocol/core/errors';
import type { Guard } from '@talosprotocol/core/guard';

/** `desk`: if runs are to be suspended for a person. */
export type Caller = { readonly guard: Guard; readonly desk?: (() => TalosClient['approvals']) | undefined };

/** @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if nobody could be asked. */
export function deskOf(client: object): () => TalosClient['approvals'] {
  const { approvals } = client as Partial<Pick<TalosClient, 'approvals'>>;
  if (approvals === undefined) throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: "approvals: 'suspend' needs a TalosClient as client" });
  // Asked for at each call: the client's identity may have changed since.
  return () => (client as TalosClient).approvals;
}
