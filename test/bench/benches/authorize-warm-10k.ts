import { admit, authorize, type CapabilityHandle } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

const count = 10_000;

/** One more call under one of ten thousand capabilities that were admitted before, each time another: no cache of the processor holds them all. */
export const authorizeWarm10k: Bench = {
  name: 'authorize-warm-10k',
  floor: 'ed25519-verify',
  async open() {
    const { context, issue } = await capabilityFixture();
    const handles: CapabilityHandle[] = [];
    for (let i = 0; i < count; i += 1) {
      const { handle } = await admit(await issue(), context);
      if (handle === undefined) throw new Error('a good token was refused');
      handles.push(handle);
    }
    // Drawn before: the generator is not what is measured.
    const order = Array.from({ length: 65_536 }, () => Math.floor(Math.random() * count));
    return {
      sync: (index) => {
        if (authorize(handles[order[index & 65_535]!]!, call).denied !== undefined) throw new Error('a good call was refused');
      },
    };
  },
};
