/** Remote calls of a client: its identity, log, rights and messenger, put together. Imported when a call is first made or served. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { ApprovalDesk } from '../capability/approval-desk.ts';
import { createReservations } from '../capability/reservations.ts';
import type { Env } from '../env/env.ts';
import { memoryCallStore } from '../remote/memory-call-store.ts';
import { openRemote, type Remote } from '../remote/remote.ts';
import type { Messenger } from '../message/messenger.ts';
import { approvalDesk, type CapabilityParts } from './client-capabilities.ts';
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
  const reservations = createReservations({ limits: state.limits, approvals: servedDesk(parts) });
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

/** Calls of peers that need a person wait here, where they would run: this agent asks, and the caller is told no more than that. */
function servedDesk(parts: ClientRemoteParts): ApprovalDesk {
  return approvalDesk(parts, {
    audience: parts.identity.did,
    describe: ({ tool, input, holder }) => canonicalJson({ tool, arguments: input, caller: holder }),
  });
}
