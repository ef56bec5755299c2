/** What a relay's refusals and silences are to who asked. @module */
import { TransportError } from '../errors/transport-error.ts';
import type { RelayRefusal } from './relay-message.ts';

export function unreachable(reason: string, cause?: unknown): TransportError {
  return new TransportError({ code: 'TALOS_TRANSPORT_UNREACHABLE', message: `the relay cannot be reached: ${reason}`, cause, retryable: true });
}

export function protocolFault(reason: string, cause?: unknown): TransportError {
  return new TransportError({ code: 'TALOS_TRANSPORT_PROTOCOL', message: `not talos-relay/1: ${reason}`, cause, retryable: true });
}

type Refused = { readonly message: string; readonly retryable: boolean };

const refusals: Readonly<Record<RelayRefusal, Refused>> = /* @__PURE__ */ Object.freeze({
  malformed: { message: 'it did not understand', retryable: false },
  unauthenticated: {
    message: 'it does not believe that this is who it says: is its origin the address we use, and is the key history current?',
    retryable: false,
  },
  oversized: { message: 'the frame is too large', retryable: false },
  full: { message: 'the mailbox is full', retryable: true },
  busy: { message: 'it was asked too often', retryable: true },
  unavailable: { message: 'its store did not take it', retryable: true },
  'no-bundle': { message: 'it has no bundle of this agent', retryable: true },
  'bad-bundle': { message: 'the bundle is not a valid one of this agent', retryable: false },
  closing: { message: 'it is closing', retryable: true },
});

export function refusedBy(reason: RelayRefusal): TransportError {
  const { message, retryable } = refusals[reason];
  const code = reason === 'no-bundle' ? 'TALOS_TRANSPORT_NO_BUNDLE' : 'TALOS_TRANSPORT_REFUSED';
  return new TransportError({ code, message: `the relay refused: ${message}`, retryable });
}
