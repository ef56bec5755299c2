/** The thread of a log's writer or reader: opens the database, answers one request after the other. Loaded by `sqlite-audit-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { serveThread } from './serve-thread.ts';
import { decodeBatch, encodeRows } from './sqlite-audit-batch.ts';
import { AuditDatabase } from './sqlite-audit-database.ts';
import { AuditSnapshot } from './sqlite-audit-snapshot.ts';
import type { AuditRequest, DatabaseOptions } from './sqlite-audit-messages.ts';

serveThread<AuditRequest>(() => {
  const options = workerData as DatabaseOptions;
  if (options.snapshot === true) {
    const snapshot = new AuditSnapshot(options);
    return { answer: (request) => answer(snapshot, request) };
  }
  const database = new AuditDatabase(options);
  return {
    answer: (request) => answer(database, request),
    afterwards: ({ op }) => {
      if (op === 'append') database.tidy();
    },
  };
}, 'the audit database');

function answer(database: AuditDatabase | AuditSnapshot, request: AuditRequest): unknown {
  switch (request.op) {
    case 'append':
      return database.append(decodeBatch(request.batch), request.batch.byteLength);
    case 'loadHead':
      return database.loadHead();
    case 'loadRows':
      return encodeRows(database.loadRows(request));
    case 'loadNodes':
      return database.loadNodes(request.places);
    case 'find':
      return database.find(request.kind, request.key);
    case 'loadOpenings':
      return database.loadOpenings(request.index);
    case 'saveCheckpoint':
      return database.saveCheckpoint(request.checkpoint);
    case 'loadCheckpoint':
      return database.loadCheckpoint(request.size);
    case 'loadCheckpoints':
      return database.loadCheckpoints(request);
    case 'close':
      return database.close();
  }
}
