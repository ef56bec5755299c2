import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import type { Bench } from '../measure.ts';

/** What the signing input of the token in capability-fixture weighs. */
const tokenBytes = 913;

/** The floor: one verify by node:crypto itself, its key imported before, over as many bytes as a token has. */
export const ed25519Verify: Bench = {
  name: 'ed25519-verify',
  async open() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const messages = Array.from({ length: 256 }, () => randomBytes(tokenBytes));
    const signatures = messages.map((message) => sign(null, message, privateKey));
    return {
      sync: (index) => {
        if (!verify(null, messages[index & 255]!, publicKey, signatures[index & 255]!)) throw new Error('the floor does not verify');
      },
    };
  },
};
