import { systemEnv } from '@talosprotocol/core';
import { admit, authorize, memoryRevocationStore, openRevocations } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

const revoked = 1_000_000;

/** The same as authorize-warm, at a verifier that knows a million revocations of this very issuer. */
export const authorizeWarm1mRevoked: Bench = {
  name: 'authorize-warm-1m-revoked',
  floor: 'authorize-warm',
  async open() {
    const { context, issue, owner } = await capabilityFixture();
    const revocations = await openRevocations({ store: memoryRevocationStore(), env: systemEnv, own: [owner.did] });
    const entries = Array.from({ length: revoked }, (_, i) => ({ iss: owner.did, jti: `${String(i).padStart(21, '0')}A` }));
    await revocations.revoke(entries, { issuer: owner.did, signer: owner.signer });
    const { handle } = await admit(await issue(), { ...context, revocations });
    if (handle === undefined) throw new Error('a good token was refused');
    return {
      sync: () => {
        if (authorize(handle, call).denied !== undefined) throw new Error('a good call was refused');
      },
    };
  },
};
