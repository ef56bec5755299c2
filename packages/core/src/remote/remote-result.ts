/** What a caller learns of its call. A refusal is a value here, as everywhere. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import type { Receipt } from '../receipt/receipt.ts';
import type { RemoteDenial } from './remote-message.ts';

/** R, and S and A as far as they exist: what this agent's log holds of the call. */
export type CallReceipt = Receipt;

/** `unlogged`: the receipt could not be recorded here; A was then not given. */
type Signed = { readonly receipt: CallReceipt; readonly unlogged?: true };

export type RemoteResult =
  /** Done. `value` is undefined if the tool gave nothing, and after a stream. */
  | ({ readonly status: 'ok'; readonly value: JsonValue | undefined } & Signed)
  /** The tool threw. */
  | ({ readonly status: 'error'; readonly error: { readonly name: string; readonly message: string } } & Signed)
  /** Refused; it did not run. */
  | ({ readonly status: 'denied'; readonly denial: RemoteDenial } & Signed)
  /** Stopped at our wish, because the capability was revoked, or at the deadline. What it did until then stands. */
  | ({ readonly status: 'cancelled'; readonly reason: 'cancelled' | 'timeout' } & Signed)
  /** Nobody can say whether it ran: do not simply call again. An outcome that comes later is recorded. */
  | ({ readonly status: 'unknown'; readonly reason: 'timeout' | 'cancelled' | 'closed' | 'not-sent' | 'callee' } & Signed)
  /** The peer's answer contradicts itself or what it signed. It is recorded as a dispute and not countersigned. */
  | ({ readonly status: 'disputed'; readonly reason: string } & Signed);
