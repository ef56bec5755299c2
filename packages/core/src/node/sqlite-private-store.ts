/** The private store on SQLite: payloads in one file, the keys of persons in another. In a worker thread, like the log. @module */
import type { PrivateReader, PrivateStore } from '../audit/private-store.ts';
import { UsageError } from '../errors/usage-error.ts';
import { DatabaseThread } from './database-thread.ts';
import { packOpenings, type PrivateOptions, type PrivateRequest } from './sqlite-private-messages.ts';

export type SqlitePrivateStoreOptions = {
  /** The file of payloads; its folder exists. `-wal`, `-shm` and `-lock` stand beside it. */
  readonly path: string;
  /** The file of keys, names, legal holds and what is under way. Back it up apart from the payloads, and rotate its copies fast. */
  readonly keysPath: string;
};

/** @throws {@link StoreError} as `openSqliteAuditStore`. */
export async function openSqlitePrivateStore(options: SqlitePrivateStoreOptions): Promise<PrivateStore> {
  return openThread({ ...options, readOnly: false });
}

/** For a reader beside the writer: each question sees the moment in which it is asked, and nothing is held. @throws as {@link openSqlitePrivateStore}. */
export async function openSqlitePrivateReader(options: SqlitePrivateStoreOptions): Promise<PrivateReader> {
  return openThread({ ...options, readOnly: true });
}

async function openThread(options: PrivateOptions): Promise<PrivateStore> {
  for (const path of [options.path, options.keysPath])
    if (typeof path !== 'string' || path.length === 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'path and keysPath must name files' });
  const thread = new DatabaseThread<PrivateRequest>({ url: workerUrl(), workerData: options, name: 'talos-private', title: 'this private store' });
  await thread.opened;
  return privateStoreOf(thread);
}

function privateStoreOf(thread: DatabaseThread<PrivateRequest>): PrivateStore {
  return {
    saveOpenings: (entries) => {
      const packed = packOpenings(entries);
      return thread.ask({ op: 'saveOpenings', packed }, [packed.bytes]);
    },
    loadOpenings: (index) => thread.ask({ op: 'loadOpenings', index }),
    saved: () => thread.ask({ op: 'saved' }),
    trim: (size) => thread.ask({ op: 'trim', size }),
    indices: (of) => thread.ask({ op: 'indices', of }),
    findSubject: (name) => thread.ask({ op: 'findSubject', name }),
    loadSubject: (ref) => thread.ask({ op: 'loadSubject', ref }),
    ensureSubject: (name, { ref, key, since }) => thread.ask({ op: 'ensureSubject', name, fresh: { ref, key: key.slice(), since } }),
    begin: (task, subject) => thread.ask({ op: 'begin', task, subject }),
    pending: () => thread.ask({ op: 'pending' }),
    finished: () => thread.ask({ op: 'finished' }),
    erase: (openings) => thread.ask({ op: 'erase', openings }),
    finish: (number) => thread.ask({ op: 'finish', number }),
    saveHold: (hold) => thread.ask({ op: 'saveHold', hold }),
    removeHold: (id) => thread.ask({ op: 'removeHold', id }),
    holds: () => thread.ask({ op: 'holds' }),
    saveDisclosures: (indices, recipient) => thread.ask({ op: 'saveDisclosures', indices, recipient }),
    recipients: (index) => thread.ask({ op: 'recipients', index }),
    close: () => thread.close(),
  };
}

/** Beside this file, in the form this file has: TypeScript when Node runs the sources, JavaScript when it runs the build. */
const workerUrl = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./sqlite-private-worker.ts', import.meta.url) : new URL('./sqlite-private-worker.js', import.meta.url);
