/** PostgreSQL's SQLSTATEs and broken sockets in our own codes. @module */
import { StoreError, TalosError } from '@talosprotocol/core/errors';

type StoreErrorCode = StoreError['code'];

/** The code for what the server does not explain further. */
export type Otherwise = 'TALOS_STORE_WRITE_FAILED' | 'TALOS_STORE_READ_FAILED';

type Description = { readonly code?: StoreErrorCode; readonly message: string; readonly retryable?: boolean };

/** By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html), the whole code before its class. */
const descriptions: Readonly<Record<string, Description>> = {
  '23505': { code: 'TALOS_STORE_CORRUPT', message: 'there are rows beyond the head: they were written outside Talos' },
  '25006': { message: 'the server is read-only: is it a standby?' },
  '28': { message: 'the server refused the login' },
  '3D000': { message: 'the database does not exist' },
  '42501': { message: 'this role lacks a right on the schema of the log' },
  '42703': { code: 'TALOS_STORE_CORRUPT', message: 'a table of the log has other columns' },
  '42P01': { code: 'TALOS_STORE_CORRUPT', message: 'a table of the log is not there' },
  '42P07': { code: 'TALOS_STORE_CORRUPT', message: 'the schema holds tables of another program' },
  '53': { message: 'the server is out of disk, memory or connections', retryable: true },
  '55P03': { code: 'TALOS_STORE_CONFLICT', message: 'another writer has this log open: share that one, or close it first', retryable: true },
  '57014': { message: 'the server did not finish in time', retryable: true },
  '08': { message: 'the connection was lost', retryable: true },
  '57P': { message: 'the server ended the connection, is shutting down or starting', retryable: true },
  XX001: { code: 'TALOS_STORE_CORRUPT', message: 'a table is damaged on disk' },
  XX002: { code: 'TALOS_STORE_CORRUPT', message: 'an index is damaged on disk' },
};

/** What node and pg say of a socket. Anything without an SQLSTATE counts as one of these. */
const socketFailure: Description = { message: 'the server cannot be reached, or the connection was lost', retryable: true };

/**
 * A coded error for whatever a connection threw. The server's own message and detail may quote rows, and a URL's parse error the password:
 * none of it is passed on, the SQLSTATE or the socket's code is.
 */
export function asStoreError(error: unknown, otherwise: Otherwise): TalosError {
  if (TalosError.isInstance(error)) return error;
  const known = stateOf(error);
  const { code = otherwise, message, retryable = false } = describe(known);
  return new StoreError({
    code,
    message: `the audit database: ${message}`,
    cause: known === undefined ? undefined : { sqlState: known },
    // What was written is unknown after a failed write: only a new start may try again.
    retryable: retryable && code !== 'TALOS_STORE_WRITE_FAILED',
  });
}

/** What differs for sessions and rights, which many write at once: every loser may come again, on a connection of its own. */
const stateDescriptions: Readonly<Record<string, Description>> = {
  '23505': { code: 'TALOS_STORE_CONFLICT', message: 'another writer was first: load again', retryable: true },
  '40': { code: 'TALOS_STORE_CONFLICT', message: 'another writer was first: try again', retryable: true },
  '42501': { message: 'this role lacks a right on the schema of the home' },
  '42703': { code: 'TALOS_STORE_CORRUPT', message: 'a table of the home has other columns' },
  '42P01': { code: 'TALOS_STORE_CORRUPT', message: 'a table of the home is not there' },
  '55P03': { code: 'TALOS_STORE_CONFLICT', message: 'others hold these rows for too long: try again', retryable: true },
};

/** `asStoreError` for sessions and rights. A write that fails left nothing or all of it: whoever comes again compares first. */
export function asStateError(error: unknown, otherwise: Otherwise): TalosError {
  if (TalosError.isInstance(error)) return error;
  const known = stateOf(error);
  const special = known === undefined ? undefined : (stateDescriptions[known] ?? stateDescriptions[known.slice(0, 2)]);
  const { code = otherwise, message, retryable = false } = (known?.length === 5 ? special : undefined) ?? describe(known);
  return new StoreError({ code, message: `the state database: ${message}`, cause: known === undefined ? undefined : { sqlState: known }, retryable });
}

function stateOf(error: unknown): string | undefined {
  const state = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof state === 'string' && /^[0-9A-Z_]{3,24}$/.test(state) ? state : undefined;
}

function describe(state: string | undefined): Description {
  // SQLSTATEs have five characters; Node's codes (ECONNREFUSED) begin with E and are longer.
  if (state === undefined || state.length !== 5) return socketFailure;
  return descriptions[state] ?? descriptions[state.slice(0, 3)] ?? descriptions[state.slice(0, 2)] ?? { message: `the server refused with ${state}` };
}

export function corrupt(reason: string): StoreError {
  return new StoreError({ code: 'TALOS_STORE_CORRUPT', message: `the stored audit log was refused: ${reason}` });
}
