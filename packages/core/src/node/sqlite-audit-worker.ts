/** The thread of a log's writer or reader: opens the database, answers one request after the other. Loaded by `sqlite-audit-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { StoreError } from '../errors/store-error.ts';
import { serveThread } from './serve-thread.ts';
import { BatchReader, encodeRows } from './sqlite-audit-batch.ts';
import { AuditDatabase } from './sqlite-audit-database.ts';
import type { AuditRequest, AuditWrite, CloseRequest, DatabaseOptions } from './sqlite-audit-messages.ts';
import type { AuditReads } from './sqlite-audit-reads.ts';
import { openSnapshot } from './sqlite-audit-snapshot.ts';

serveThread<AuditRequest>(() => {
  const options = workerData as DatabaseOptions;
  if (options.snapshot === true) {
    const { reads, close } = openSnapshot(options);
    return { answer: (request) => answer(reads, request, ({ op }) => (op === 'close' ? close() : refuseWrite())) };
  }
  const database = new AuditDatabase(options);
  return {
    answer: (request) => answer(database.reads, request, (other) => write(database, other)),
    afterwards: ({ op }) => {
      if (op === 'append') database.tidy();
    },
  };
}, 'the audit database');

function answer(reads: AuditReads, request: AuditRequest, otherwise: (request: AuditWrite | CloseRequest) => unknown): unknown {
  switch (request.op) {
    case 'loadHead':
      return reads.loadHead();
    case 'loadRows':
      return encodeRows(reads.loadRows(request));
    case 'loadNodes':
      return reads.loadNodes(request.places);
    case 'find':
      return reads.find(request);
    case 'findEach':
      return request.keys.map((key) => reads.find(key));
    case 'loadOpenings':
      return reads.loadOpenings(request.index);
    case 'loadCheckpoint':
      return reads.loadCheckpoint(request.size);
    case 'loadCheckpoints':
      return reads.loadCheckpoints(request);
    case 'loadCosignatures':
      return reads.loadCosignatures(request);
    default:
      return otherwise(request);
  }
}

function write(database: AuditDatabase, request: AuditWrite | CloseRequest): unknown {
  switch (request.op) {
    case 'append':
      return appendPacked(database, request.batch);
    case 'saveCheckpoint':
      return database.saveCheckpoint(request.checkpoint);
    case 'saveCosignature':
      return database.saveCosignature(request.cosignature);
    case 'pruned':
      return database.upkeep.pruned();
    case 'prune':
      return database.upkeep.prune(request.before);
    case 'findAll':
      return database.upkeep.findAll(request);
    case 'close':
      return database.close();
  }
}

function refuseWrite(): never {
  throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'this is a snapshot of the log, for reading: append through its writer' });
}

/** The buffer is let go at once: this thread makes little other garbage, so that its collector would come by after hundreds of megabytes. */
function appendPacked(database: AuditDatabase, packed: ArrayBuffer): void {
  try {
    database.append(new BatchReader(packed), packed.byteLength);
  } finally {
    packed.transfer(0);
  }
}
