import { StoreError } from '@talosprotocol/core/errors';
import type { Row } from './connection.ts';
import { asStoreError } from './postgres-failure.ts';

/** Below it `idle_session_timeout` does not exist, and a server that sets it would end a quiet log. Older ones are out of support. */
const oldestVersion = 140_000;

/**
 * Refuses a server on which a commit would not mean the disk.
 * @returns The server's process that answered.
 * @throws {@link StoreError} `TALOS_STORE_UNSUPPORTED`; `_WRITE_FAILED` on a standby.
 */
export async function requireServer(ask: (text: string) => Promise<readonly Row[]>): Promise<string> {
  const [facts] = await ask(
    "SELECT current_setting('server_version_num') AS version, current_setting('fsync') AS fsync, pg_is_in_recovery()::text AS standby, pg_backend_pid()::text AS process",
  );
  if (Number(facts?.['version']) < oldestVersion) throw unsupported('Talos needs PostgreSQL 14 or newer');
  if (facts?.['fsync'] !== 'on') throw unsupported('fsync is off on this server: it would lose what was acknowledged; turn it on');
  if (facts['standby'] === 'true') throw asStoreError({ code: '25006' }, 'TALOS_STORE_WRITE_FAILED');
  return facts['process'] ?? '';
}

function unsupported(message: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_UNSUPPORTED', message });
}
