import { admit, authorize, attenuateCapability, inProcessAudience, didKeys } from '@talosprotocol/core/capability';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

/** A chain of three links that this process never saw: three signatures, two proofs that a link is inside the one above it. All keys are known. */
export const authorizeColdDepth3: Bench = {
  name: 'authorize-cold-depth-3',
  floor: 'ed25519-verify',
  async open() {
    const { context, agent, issue, grants } = await capabilityFixture();
    const { env } = context;
    const [worker, helper] = [await restoreIdentity(await generateIdentitySecrets(env)), await restoreIdentity(await generateIdentitySecrets(env))];
    const verifier = { ...context, audience: inProcessAudience(helper.did), holder: helper.signer.publicKey, keys: didKeys() };
    const make = async (): Promise<string> => {
      const below = await attenuateCapability(
        await issue({ delegate: 2 }),
        { holder: worker.signer.publicKey, grants, delegate: 1 },
        { signer: agent.signer, env },
      );
      return attenuateCapability(below, { holder: helper.signer.publicKey, grants }, { signer: worker.signer, env });
    };
    let tokens: string[] = [];
    return {
      prepare: async (count) => {
        tokens = await Promise.all(Array.from({ length: count }, make));
      },
      async: async (index) => {
        const { handle } = await admit(tokens[index]!, verifier);
        if (handle === undefined || authorize(handle, call).denied !== undefined) throw new Error('a good chain was refused');
      },
    };
  },
};
