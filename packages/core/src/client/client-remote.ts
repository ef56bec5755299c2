/** Remote calls of a client: its identity, log, rights and messenger, put together. Imported when a call is first made or served. @module */
import { createReservations } from '../capability/reservations.ts';
import type { Env } from '../env/env.ts';
import { memoryCallStore } from '../remote/memory-call-store.ts';
import { openRemote, type Remote } from '../remote/remote.ts';
import type { Messenger } from '../message/messenger.ts';
import type { CapabilityParts } from './client-capabilities.ts';
import type { Home } from './home.ts';

export type ClientRemoteParts = CapabilityParts & {
  readonly home: Home;
  readonly env: Env;
  readonly messenger: Pick<Messenger, 'sendRemote' | 'onRemote'>;
  readonly onError: (error: unknown) => void;
};

/** What it opened it closes. */
export async function openClientRemote(parts: ClientRemoteParts): Promise<Remote> {
  const { identity, home, log, env, keys, issuers, state, messenger, onError } = parts;
  const calls = (await home.calls?.(identity.did, env)) ?? { store: memoryCallStore(env), close: async () => undefined };
  // Approvals are asked for by the holder, who is the caller: a call that needs one is refused here.
  const reservations = createReservations({ limits: state.limits });
  const remote = openRemote({
    agent: identity.did,
    signer: identity.signer,
    messenger,
    log,
    env,
    keys,
    peerKey: (did) => state.keys.current(did),
    issuers,
    revocations: state.revocations,
    reservations,
    calls: calls.store,
    onError,
  });
  return {
    ...remote,
    serve: (options) => {
      // News of whoever grants is followed, as for the client's own guards.
      for (const issuer of options.trust?.issuers ?? []) state.revocations.follow(issuer);
      return remote.serve(options);
    },
    close: async () => {
      try {
        await remote.close();
      } finally {
        await calls.close();
      }
    },
  };
}
