/** A messenger whose transport has a directory: bundles are kept published, and a peer is found by its DID alone (docs/spec/06 §6). @module */
import { IdentityError } from '../errors/identity-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { BundleDirectory, BundleShortage } from '../message/bundle-directory.ts';
import type { Messenger } from '../message/messenger.ts';

export type DirectoryConversation = Messenger & {
  /**
   * Opens a session with a bundle from the directory. Calls for one peer that run at the same time share one fetch: each takes a
   * one-time pair from the peer.
   * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` without a directory; {@link TransportError} of the fetch; {@link IdentityError}
   * `TALOS_IDENTITY_BAD_BUNDLE` if what the directory gave is not the peer's.
   */
  connect(peerDid: AgentId): Promise<void>;
};

export type DirectoryParts = {
  readonly directory: BundleDirectory | undefined;
  /** The own card as of now. */
  readonly card: () => Promise<string>;
  /** Takes a peer's card as the directory gave it: it proves the peer's keys, and pins nothing that its owner was asked for. */
  readonly learn: (card: string, peerDid: AgentId) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Closes the transport if it was made for this conversation. */
  readonly closeTransport: () => Promise<void>;
};

/** Bundles with a pair that a directory is filled up to: a quarter of them is left when it asks for more. */
const fullDirectory = 100;

export function withDirectory(messenger: Messenger, parts: DirectoryParts): DirectoryConversation {
  const { directory, closeTransport } = parts;
  const connecting = new Map<AgentId, Promise<void>>();
  const stopPublishing = directory === undefined ? () => undefined : keepPublished(messenger, directory, parts);
  return {
    ...messenger,
    connect: (peerDid) => {
      const present = connecting.get(peerDid);
      if (present !== undefined) return present;
      const opening = connect(messenger, parts, peerDid).finally(() => connecting.delete(peerDid));
      connecting.set(peerDid, opening);
      return opening;
    },
    close: async () => {
      stopPublishing();
      await messenger.close();
      await closeTransport();
    },
  };
}

async function connect(messenger: Messenger, { directory, learn }: DirectoryParts, peerDid: AgentId): Promise<void> {
  if (directory === undefined)
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'this transport has no directory: pass the peer’s bundle to establishSession' });
  const bundle = await directory.fetchBundle(peerDid);
  try {
    await messenger.establishSession(peerDid, bundle);
  } catch (error) {
    if (!IdentityError.isInstance(error) || error.code !== 'TALOS_IDENTITY_KEY_CHANGED' || directory.fetchCard === undefined) throw error;
    // Signed with a key that we do not know yet: its card says how it came to speak for the peer.
    await learn(await directory.fetchCard(peerDid), peerDid);
    await messenger.establishSession(peerDid, bundle);
  }
}

/** A directory says when it runs low, also at each connection; one refill of a place at a time. */
function keepPublished(messenger: Messenger, directory: BundleDirectory, { card, onError }: DirectoryParts): () => void {
  const refilling = new Set<BundleShortage['publish']>();
  return directory.onLow(({ left, publish, publishCard }) => {
    if (refilling.has(publish)) return;
    refilling.add(publish);
    void generateBundles(messenger, fullDirectory - left)
      .then(publish)
      .then(async () => publishCard?.(await card()))
      .catch(onError)
      .finally(() => refilling.delete(publish));
  });
}

/** As many with a one-time pair as asked for, and one without for when they are used up. */
async function generateBundles(messenger: Messenger, count: number): Promise<readonly Uint8Array[]> {
  const bundles = [await messenger.bundle({ oneTime: false, introduced: false })];
  while (bundles.length <= count) bundles.push(await messenger.bundle({ introduced: false }));
  return bundles;
}
