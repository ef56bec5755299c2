/** Time stamps as a plug of `verifyEvidence`. @module */
import type { ForeignVerifier } from '@talosprotocol/core/evidence';
import { readCertificates } from './certificates.ts';
import { verifyToken } from './verify-token.ts';

/** `authorities`: root certificates that the reader trusts to tell the time, PEM or DER. They never come from the file. */
export type TimestampTrust = { readonly authorities: readonly (string | Uint8Array)[] };

/**
 * Checks claims of type `rfc3161`, offline. Revocation of the authority's certificate is not looked up: no list comes with the token.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` if `authorities` holds no certificate.
 */
export function timestampVerifier(trust: TimestampTrust): ForeignVerifier {
  const authorities = readCertificates(trust.authorities);
  return {
    type: 'rfc3161',
    verify: async ({ data, checkpoint }) => {
      const { time, authority, serial } = await verifyToken({ token: data, checkpoint, authorities });
      return { time, detail: `${authority} stamped it by ${new Date(time * 1000).toISOString()}, serial ${serial}` };
    },
  };
}
