import { systemEnv } from '@talosprotocol/core';
import { admit, didKeys, issueInvocation, memoryReplayStore, verifyInvocation, type Invocation } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

/** A proof of possession for one call, from its bytes to the replay set. The holder's key is known. */
export const popVerify: Bench = {
  name: 'pop-verify',
  floor: 'ed25519-verify',
  async open() {
    const { context, issue, agent } = await capabilityFixture();
    const { handle } = await admit(await issue(), context);
    if (handle === undefined) throw new Error('a good token was refused');
    const { audience } = context;
    const replay = memoryReplayStore(systemEnv, { since: 0 });
    const keys = didKeys();
    let proofs: Invocation[] = [];
    return {
      prepare: async (count) => {
        const request = { ...call, aud: audience, cap: handle.cap, call: 'call_1' };
        const made = await Promise.all(Array.from({ length: count }, () => issueInvocation(request, { signer: agent.signer, env: systemEnv })));
        // As they come off a wire: one flat text each, not the parts that the holder has just joined.
        proofs = made.map(({ token, salt }) => ({ token: Buffer.from(token).toString('latin1'), salt }));
      },
      async: async (index) => {
        const verified = await verifyInvocation({ proof: proofs[index]!, handle, call, audience, replay, keys, env: systemEnv });
        if (verified.denied !== undefined) throw new Error('a good proof was refused');
      },
    };
  },
};
