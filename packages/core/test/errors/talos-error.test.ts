import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AuditError } from '../../src/errors/audit-error.ts';
import { CapabilityError } from '../../src/errors/capability-error.ts';
import { CryptoError } from '../../src/errors/crypto-error.ts';
import { TalosDeniedError } from '../../src/errors/denied-error.ts';
import { EncodingError } from '../../src/errors/encoding-error.ts';
import { IdentityError } from '../../src/errors/identity-error.ts';
import { SessionError } from '../../src/errors/session-error.ts';
import { StoreError } from '../../src/errors/store-error.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { TransportError } from '../../src/errors/transport-error.ts';
import { UsageError } from '../../src/errors/usage-error.ts';

const message = 'what to do about it';
const nouns = [
  { type: AuditError, error: new AuditError({ code: 'TALOS_AUDIT_BAD_NOTE', message }) },
  { type: CapabilityError, error: new CapabilityError({ code: 'TALOS_CAPABILITY_INVALID_GRANT', message }) },
  { type: CryptoError, error: new CryptoError({ code: 'TALOS_CRYPTO_OPEN', message }) },
  { type: EncodingError, error: new EncodingError({ code: 'TALOS_ENCODING_TEXT', message }) },
  { type: IdentityError, error: new IdentityError({ code: 'TALOS_IDENTITY_BAD_DID', message }) },
  { type: SessionError, error: new SessionError({ code: 'TALOS_SESSION_UNKNOWN', message }) },
  { type: StoreError, error: new StoreError({ code: 'TALOS_STORE_CORRUPT', message }) },
  { type: TalosDeniedError, error: new TalosDeniedError({ denialCode: 'ARG_VIOLATES', message }) },
  { type: TransportError, error: new TransportError({ code: 'TALOS_TRANSPORT_SEND_FAILED', message }) },
  { type: UsageError, error: new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message }) },
];

describe('errors', () => {
  it('[ERR-ONE-NOUN] isInstance of a noun recognises that noun only', () => {
    for (const { type } of nouns) {
      const recognised = nouns.filter(({ error }) => type.isInstance(error)).map(({ error }) => error.name);
      expect(recognised).toEqual([type.name]);
    }
  });

  it('[ERR-BRAND] an error of a second copy of core is recognised by its brand', () => {
    class Foreign extends Error {
      readonly code = 'TALOS_STORE_CORRUPT';
    }
    const branded = Object.defineProperty(new Foreign('from another copy'), Symbol.for('org.talosprotocol/error'), { value: true });
    expect(TalosError.isInstance(branded)).toBe(true);
    expect(StoreError.isInstance(branded)).toBe(true);
    expect(IdentityError.isInstance(branded)).toBe(false);
    expect(TalosError.isInstance(new Foreign('without the brand'))).toBe(false);
  });

  it('[ERR-BRAND] isInstance is total', () => {
    for (const value of [
      undefined,
      null,
      0,
      '',
      'TALOS_STORE_CORRUPT',
      Symbol.iterator,
      {},
      [],
      () => undefined,
      { code: 'TALOS_STORE_CORRUPT' },
      new Error('plain'),
    ]) {
      expect(TalosError.isInstance(value), inspect(value)).toBe(false);
      for (const { type } of nouns) expect(type.isInstance(value), inspect(value)).toBe(false);
    }
  });

  it('[ERR-CODED] every error has a code, a message, its class name, and is not retryable unless it says so', () => {
    for (const { type, error } of nouns) {
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name: type.name, message, retryable: false });
      expect(error.code).toMatch(/^TALOS_[A-Z_]+$/);
      expect(Object.hasOwn(error, 'cause')).toBe(false);
    }
    const cause = new Error('disk full');
    expect(new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message, cause, retryable: true })).toMatchObject({ retryable: true, cause });
    expect(new EncodingError({ code: 'TALOS_ENCODING_JSON', message, offset: 7 }).offset).toBe(7);
  });
});
