import { admit, authorize } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

/** One more call under a capability that was admitted before: no signature, every constraint. */
export const authorizeWarm: Bench = {
  name: 'authorize-warm',
  floor: 'ed25519-verify',
  async open() {
    const { context, issue } = await capabilityFixture();
    const { handle } = await admit(await issue(), context);
    if (handle === undefined) throw new Error('a good token was refused');
    return {
      sync: () => {
        if (authorize(handle, call).denied !== undefined) throw new Error('a good call was refused');
      },
    };
  },
};
