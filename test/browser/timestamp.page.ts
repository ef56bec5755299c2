/** The page of timestamp.deep.test.ts: verifies an evidence file with a time stamp, without Node. @module */
import { verifyEvidence } from '@talosprotocol/core/evidence';
import { timestampVerifier } from '@talosprotocol/timestamp';

const page = globalThis as unknown as { verify(file: string, verifierKey: string, root: string): Promise<object> };

page.verify = async (file, verifierKey, root) => {
  const report = await verifyEvidence(file, { logs: [verifierKey], verifiers: [timestampVerifier({ authorities: [root] })] });
  return report.claims.filter(({ kind }) => kind === 'foreign').map((claim) => ({ status: claim.status, time: 'time' in claim ? claim.time : undefined }));
};
