import { SessionError } from '../errors/session-error.ts';

/** One answer for a forged certificate, an unknown prekey and a bad tag: which prekeys a responder has is nobody else's business. */
export function badHandshake(): SessionError {
  return new SessionError({
    code: 'TALOS_SESSION_BAD_HANDSHAKE',
    message: 'the handshake was refused: it is malformed, unauthenticated, or names prekeys that are gone',
  });
}
