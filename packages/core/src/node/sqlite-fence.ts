/** The rollback fence alone, for sessions that live elsewhere than on this machine (docs/spec/04 §6.4). @module */
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { RollbackFence } from '../session/fence.ts';
import { SessionFenceDatabase } from './sqlite-session-fence.ts';

/** The open file, for any number of agents and processes of this machine. */
export type SqliteFence = {
  of(agent: AgentId): RollbackFence;
  close(): void;
};

/**
 * Opens or creates `fence.db` in a folder that is made for its owner alone.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED` on SQLite below 3.51.3, `_CORRUPT` if the file is damaged or another program's,
 * `_READ_FAILED` if it cannot be opened, `_WRITE_FAILED` if the folder cannot be made.
 */
export function openSqliteFence({ stateDir }: { readonly stateDir: string }): SqliteFence {
  makeFolder(stateDir);
  const fence = new SessionFenceDatabase(path.join(stateDir, 'fence.db'));
  return {
    of: (agent) => ({
      read: async (sessionId) => fence.read({ agent, sessionId }),
      // A transaction without a wait for the disk: some ten microseconds, which a thread of its own would not make shorter.
      raise: async (sessionId, version) => fence.raise({ agent, sessionId, version }),
      sweep: async () => fence.sweep({ agent }),
    }),
    close: () => fence.close(),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'stateDir cannot be made: pass one that this user may write', cause });
  }
}
