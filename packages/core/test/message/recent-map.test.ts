import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { RecentMap } from '../../src/message/recent-map.ts';
import { SessionTable } from '../../src/message/session-table.ts';
import { memorySessionStore } from '../../src/session/memory-session-store.ts';
import type { SessionState } from '../../src/session/session-state.ts';
import { seededEnv } from '../session/support.ts';

describe('what is remembered of peers and sessions', () => {
  it('[MSG-BOUNDED] has room for so many, and forgets what was used longest ago', () => {
    const map = new RecentMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect(map.get('a')).toBe(1);
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
    map.set('c', 4);
    map.delete('a');
    expect([map.get('a'), map.get('c')]).toEqual([undefined, 4]);
  });

  it('[MSG-BOUNDED] which session sends to a peer is asked of the store again after many others', async () => {
    const table = new SessionTable({ store: memorySessionStore(), fence: undefined, env: seededEnv('many') });
    const sessionId = new Uint8Array(16).fill(1);
    const preferred = (number: number) => ({ peerDid: `did:key:z${number}` as AgentId, sessionId }) as SessionState;
    for (let i = 0; i <= 2048; i++) table.prefer(preferred(i));
    await expect(table.preferred(preferred(0).peerDid)).rejects.toMatchObject({ code: 'TALOS_SESSION_UNKNOWN' });
    expect(await table.preferred(preferred(1).peerDid)).toBe(encodeBase64url(sessionId));
  });
});
