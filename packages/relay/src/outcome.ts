import type { RelayRefusal } from '@talosprotocol/core/web';

/** What a request came to: a reason to refuse it, or the answer without its number. */
export type Outcome =
  | RelayRefusal
  | { readonly type: 'done' }
  | { readonly type: 'taken'; readonly count: number }
  | { readonly type: 'bundle'; readonly bundle: Uint8Array }
  | { readonly type: 'card'; readonly card: Uint8Array }
  | { readonly type: 'counted'; readonly left: number };
