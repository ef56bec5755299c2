/** Certificates as a reader has them: PEM text or DER bytes. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { Certificate } from 'pkijs';

const pemBlock = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on anything that is not a certificate, and on none at all. */
export function readCertificates(sources: readonly (string | Uint8Array)[]): Certificate[] {
  if (!Array.isArray(sources)) throw misuse();
  const certificates = sources.flatMap((source: unknown) => derOf(source).map(readOne));
  if (certificates.length === 0) throw misuse();
  return certificates;
}

function derOf(source: unknown): Uint8Array[] {
  if (source instanceof Uint8Array) return [source];
  if (typeof source !== 'string') throw misuse();
  return [...source.matchAll(pemBlock)].map(([, text = '']) => decodePem(text.replace(/\s/g, '')));
}

/** A file that was cut off or edited: `atob` has an error of its own for it. */
function decodePem(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw misuse(cause);
  }
}

function readOne(der: Uint8Array): Certificate {
  try {
    return Certificate.fromBER(Uint8Array.from(der));
  } catch (cause) {
    throw misuse(cause);
  }
}

function misuse(cause?: unknown): UsageError {
  const message = 'authorities must be the root certificates of time-stamping authorities, each PEM text or DER bytes';
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message, ...(cause === undefined ? {} : { cause }) });
}
