/** Several processes of one home: what one of them takes back ends in all (docs/spec/05 §4). @module */
import { deny, type Denial } from '../capability/denial.ts';
import type { Env } from '../env/env.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { HomeState } from './home-state.ts';

/**
 * Before each decision: what other processes took back, and what time it is. A home that cannot be asked refuses.
 * @returns The refusal, if there is one; nothing to wait for if nothing has changed.
 */
export function catchUp(state: HomeState, env: Env): Promise<Denial | undefined> | undefined {
  if (state.hear === undefined) return learn(state, env);
  return state.hear().then(
    () => learn(state, env),
    () => deny('REVOCATION_STALE'),
  );
}

function learn(state: HomeState, env: Env): Promise<Denial | undefined> | undefined {
  try {
    const refreshing = state.revocations.refresh();
    if (refreshing !== undefined)
      return refreshing
        .then(() => relearnKeys(state))
        .then(() => keepTime(state, env))
        .catch(() => deny('REVOCATION_STALE'));
  } catch {
    return Promise.resolve(deny('REVOCATION_STALE'));
  }
  return keepTime(state, env);
}

/** Whose keys changed, as other processes of this home learned it, for all of its agents. */
export async function relearnKeys({ trust, keys, revocations }: Pick<HomeState, 'trust' | 'keys' | 'revocations'>, owner?: AgentId): Promise<void> {
  for (const peer of await trust.all(owner)) {
    const ended = keys.update(peer);
    if (ended !== undefined) revocations.endKeys(ended);
  }
}

function keepTime({ clock }: HomeState, env: Env): Promise<Denial | undefined> | undefined {
  try {
    return clock.advance(env)?.then(
      () => undefined,
      () => deny('CLOCK_UNSAFE'),
    );
  } catch {
    return Promise.resolve(deny('CLOCK_UNSAFE'));
  }
}

/** How soon tools that run hear that another process took their right back. Calls that begin hear at once. */
const pollMs = 250;

/** Keeps asking, for the calls in flight. The result ends it. */
export function keepUp(state: HomeState, env: Env): () => void {
  const { revocations, hear } = state;
  const refresh = (): Promise<void> | undefined => revocations.refresh()?.then(() => relearnKeys(state));
  let cancel: (() => void) | undefined;
  let isEnded = false;
  const wait = (): void => {
    if (!isEnded) cancel = env.after(pollMs, ask);
  };
  const ask = (): void => {
    try {
      // What fails here refuses the next call that begins.
      void Promise.resolve(hear === undefined ? refresh() : hear().then(refresh)).then(wait, wait);
    } catch {
      wait();
    }
  };
  wait();
  return () => {
    isEnded = true;
    cancel?.();
  };
}
