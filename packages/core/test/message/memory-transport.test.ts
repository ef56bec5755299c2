import { describe, expect, it } from 'vitest';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { memoryTransport } from '../../src/message/memory-transport.ts';
import { transportSuite } from '../../src/testing/transport-suite.ts';
import { rejectionOf, seededEnv } from '../session/support.ts';

const [from, to] = ['did:key:z6Mkfrom', 'did:key:z6Mkto'] as [AgentId, AgentId];

describe('memory transport', () => {
  const create = async () => {
    const hub = memoryTransport();
    return { sender: hub, receiver: hub, from, to };
  };
  for (const { name, run } of transportSuite({ create })) {
    it(`[TRN-SUITE] ${name}`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }

  it('[TRN-SUITE] a mailbox that nobody empties is full some time', async () => {
    const hub = memoryTransport({ env: seededEnv('full') });
    for (let i = 0; i < 10_000; i++) await hub.send(to, new Uint8Array(1));
    expect(await rejectionOf(() => hub.send(to, new Uint8Array(1)))).toBe('TALOS_TRANSPORT_SEND_FAILED');
  });
});
