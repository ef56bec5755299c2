import { describe, expect, it } from 'vitest';
import { systemEnv } from '../../src/env/env.ts';
import { generateIdentitySecrets, restoreIdentity, rotateIdentitySecrets } from '../../src/identity/identity.ts';
import { introducingTransport } from '../../src/message/introduction.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import type { Transport } from '../../src/message/transport.ts';

describe('the transport of an agent that has rotated', () => {
  it('[KEY-ROTATE] has all that its wire has, and lets go of it', async () => {
    const identity = await restoreIdentity(await rotateIdentitySecrets(await generateIdentitySecrets(systemEnv), systemEnv));
    let isClosed = false;
    const wire = { ...memoryTransport(), endpoints: ['wss://relay.example'], close: async () => void (isClosed = true) } satisfies Transport;
    const transport = introducingTransport(wire, identity);
    expect(transport).not.toBe(wire);
    expect(Object.keys(transport).toSorted()).toEqual(Object.keys(wire).toSorted());
    await transport.close?.();
    expect(isClosed).toBe(true);
  });
});
