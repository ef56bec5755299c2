/** One log key for every process of a test. @module */
import { systemEnv } from '@talosprotocol/core';
import { generateSigner, type Signer } from '@talosprotocol/core/identity';

/** Drawn from a randomness that is always the same: several processes continue one log. */
export const fixedSigner: Signer = generateSigner({ ...systemEnv, randomBytes: (length) => new Uint8Array(length).fill(7) });
