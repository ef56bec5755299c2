import { authorize, capabilityVerifier } from '@talosprotocol/core/capability';
import type { Bench } from '../measure.ts';
import { call, capabilityFixture } from './capability-fixture.ts';

const count = 1000;

/** A token that comes over the wire with every call, one of a thousand: bytes to text, found by all of them, decide. */
export const authorizeFromBytes: Bench = {
  name: 'authorize-from-bytes',
  floor: 'ed25519-verify',
  async open() {
    const { context, issue } = await capabilityFixture();
    const verifier = capabilityVerifier(context);
    const tokens: Buffer[] = [];
    for (let i = 0; i < count; i += 1) tokens.push(Buffer.from(await issue(), 'latin1'));
    const present = async (index: number): Promise<void> => {
      const { handle } = await verifier.admit(tokens[(index * 7919) % count]!.toString('latin1'));
      if (handle === undefined || authorize(handle, call).denied !== undefined) throw new Error('a good call was refused');
    };
    for (let i = 0; i < count; i += 1) await present(i);
    return { async: present };
  },
};
