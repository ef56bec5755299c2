/** The thread of a private store: opens its files, answers one request after the other. Loaded by `sqlite-private-store.ts` only. @module */
import { workerData } from 'node:worker_threads';
import { serveThread } from './serve-thread.ts';
import { PrivateDatabase } from './sqlite-private-database.ts';
import type { PrivateOptions, PrivateRequest } from './sqlite-private-messages.ts';

serveThread<PrivateRequest>(() => {
  const database = new PrivateDatabase(workerData as PrivateOptions);
  return { answer: (request) => answer(database, request) };
}, 'the private store');

function answer(database: PrivateDatabase, request: PrivateRequest): unknown {
  switch (request.op) {
    case 'saveOpenings':
      return database.saveOpenings(request.packed);
    case 'loadOpenings':
      return database.loadOpenings(request.index);
    case 'saved':
      return database.saved();
    case 'trim':
      return database.trim(request.size);
    case 'indices':
      return database.indices(request.of);
    case 'findSubject':
      return database.findSubject(request.name);
    case 'loadSubject':
      return database.loadSubject(request.ref);
    case 'ensureSubject':
      return database.ensureSubject(request.name, request.fresh);
    case 'clearSubjects':
      return database.clearSubjects();
    case 'sealSubjects':
      return database.sealSubjects(request.sealed);
    case 'scrubSubjects':
      return database.scrubSubjects();
    default:
      return answerErasure(database, request);
  }
}

type ErasureRequest = Exclude<
  PrivateRequest,
  { readonly op: 'saveOpenings' | 'loadOpenings' | 'saved' | 'trim' | 'indices' | `${string}Subject` | `${string}Subjects` }
>;

function answerErasure(database: PrivateDatabase, request: ErasureRequest): unknown {
  switch (request.op) {
    case 'begin':
      return database.begin(request.task, request.subject);
    case 'pending':
      return database.pending();
    case 'finished':
      return database.finished();
    case 'erase':
      return database.erase(request.openings);
    case 'finish':
      return database.finish(request.number);
    case 'saveHold':
      return database.saveHold(request.hold);
    case 'removeHold':
      return database.removeHold(request.id);
    case 'holds':
      return database.holds();
    case 'saveDisclosures':
      return database.saveDisclosures(request.indices, request.recipient);
    case 'recipients':
      return database.recipients(request.index);
    case 'close':
      return database.close();
  }
}
