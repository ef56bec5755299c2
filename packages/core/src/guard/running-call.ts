import { watchGrant, type Grant } from '../capability/reserve.ts';

/** A tool at work. */
export type RunningCall = {
  /** Aborts with the call's own signal, or when its capability is revoked. */
  readonly signal: AbortSignal;
  readonly revoked: () => boolean;
  /** The tool has ended: nothing is told any more. */
  readonly stop: () => void;
};

/** Joins what may stop a tool: its caller, and whoever takes the capability back. */
export function watchCall(grant: Grant, own: AbortSignal | undefined): RunningCall {
  const controller = new AbortController();
  let revoked = false;
  const unwatch = watchGrant(grant, () => {
    revoked = true;
    controller.abort(new Error('the capability was revoked'));
  });
  const follow = (): void => controller.abort(own?.reason);
  if (own?.aborted === true) follow();
  else own?.addEventListener('abort', follow, { once: true });
  const stop = (): void => {
    unwatch();
    own?.removeEventListener('abort', follow);
  };
  return { signal: controller.signal, revoked: () => revoked, stop };
}
