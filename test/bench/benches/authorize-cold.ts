import { admit, authorize } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

/** From a token that this process never saw to a permit: parse, every check, one signature, compile, decide. The issuer is known. */
export const authorizeCold: Bench = {
  name: 'authorize-cold',
  floor: 'ed25519-verify',
  async open() {
    const { context, issue } = await capabilityFixture();
    let tokens: string[] = [];
    return {
      prepare: async (count) => {
        // As they come off a wire: one flat text each, not the parts that the issuer has just joined.
        tokens = (await Promise.all(Array.from({ length: count }, issue))).map((token) => Buffer.from(token).toString('latin1'));
      },
      async: async (index) => {
        const { handle } = await admit(tokens[index]!, context);
        if (handle === undefined || authorize(handle, call).denied !== undefined) throw new Error('a good token was refused');
      },
    };
  },
};
