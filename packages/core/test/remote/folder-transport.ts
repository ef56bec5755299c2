/** Mailboxes in a folder, for agents in processes of their own: a frame stays until its handler resolved. */
import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHex } from '../../src/bytes/hex.ts';
import { parseAgentId, type AgentId } from '../../src/identity/agent-id.ts';
import type { Transport } from '../../src/message/transport.ts';

export function folderTransport(folder: string, name: string): Transport {
  const boxOf = (did: AgentId) => {
    const box = join(folder, 'mail', encodeHex(parseAgentId(did).bytes));
    mkdirSync(box, { recursive: true });
    return box;
  };
  let serial = 0;
  return {
    send: async (to, frame) => {
      const letter = `${Date.now()}-${String(serial++).padStart(6, '0')}-${name}`;
      writeFileSync(join(folder, `${letter}.part`), frame);
      renameSync(join(folder, `${letter}.part`), join(boxOf(to), letter));
    },
    receive: async (own, handler) => {
      const state = { isClosed: false };
      const loop = (async () => {
        while (!state.isClosed) {
          for (const letter of readdirSync(boxOf(own)).toSorted()) {
            await handler(new Uint8Array(readFileSync(join(boxOf(own), letter))));
            unlinkSync(join(boxOf(own), letter));
          }
          await sleep(2);
        }
      })();
      return {
        close: async () => {
          state.isClosed = true;
          await loop;
        },
      };
    },
  };
}
