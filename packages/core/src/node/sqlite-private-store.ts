/** The private store on SQLite: payloads in one file, the keys of persons in another. In a worker thread, like the log. @module */
import type { PrivateReader, PrivateStore } from '../audit/private-store.ts';
import { StoreError } from '../errors/store-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { DatabaseThread } from './database-thread.ts';
import { SubjectSeal, sealedReader, sealedStore, type ClearSubject } from './sealed-subjects.ts';
import { packOpenings, type PrivateOptions, type PrivateRequest } from './sqlite-private-messages.ts';

export type SqlitePrivateStoreOptions = {
  /** The file of payloads; its folder exists. `-wal`, `-shm` and `-lock` stand beside it. */
  readonly path: string;
  /** The file of keys, names, legal holds and what is under way. Back it up apart from the payloads, and rotate its copies fast. */
  readonly keysPath: string;
  /**
   * Gives 32 bytes, always the same, under which names and keys of persons are sealed; asked for when the first person is met. A file that was
   * written without it is sealed when it is opened with it. Without it they are in clear.
   */
  readonly subjectKey?: () => Promise<Uint8Array>;
};

/** @throws {@link StoreError} as `openSqliteAuditStore`. */
export async function openSqlitePrivateStore({ subjectKey, path, keysPath }: SqlitePrivateStoreOptions): Promise<PrivateStore> {
  const thread = await openThread({ path, keysPath, readOnly: false });
  const store = privateStoreOf(thread);
  if (subjectKey === undefined) return store;
  try {
    const seal = new SubjectSeal(subjectKey);
    await sealFile(thread, seal);
    return sealedStore(store, seal);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What stands in clear is sealed in one transaction, and then made unreadable. A reader in the way of that does not hold up the start: the next does it. */
async function sealFile(thread: DatabaseThread<PrivateRequest>, seal: SubjectSeal): Promise<void> {
  const clear = await thread.ask<ClearSubject[]>({ op: 'clearSubjects' });
  if (clear.length > 0) await thread.ask({ op: 'sealSubjects', sealed: await Promise.all(clear.map((each) => seal.seal(each.name, each))) });
  await thread.ask({ op: 'scrubSubjects' }).catch((error: unknown) => {
    if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT') throw error;
  });
}

/** For a reader beside the writer: each question sees the moment in which it is asked, and nothing is held. @throws as {@link openSqlitePrivateStore}. */
export async function openSqlitePrivateReader({ subjectKey, path, keysPath }: SqlitePrivateStoreOptions): Promise<PrivateReader> {
  const reader = privateStoreOf(await openThread({ path, keysPath, readOnly: true }));
  return subjectKey === undefined ? reader : sealedReader(reader, new SubjectSeal(subjectKey));
}

async function openThread(options: PrivateOptions): Promise<DatabaseThread<PrivateRequest>> {
  for (const path of [options.path, options.keysPath])
    if (typeof path !== 'string' || path.length === 0) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'path and keysPath must name files' });
  const thread = new DatabaseThread<PrivateRequest>({ url: workerUrl(), workerData: options, name: 'talos-private', title: 'this private store' });
  await thread.opened;
  return thread;
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
