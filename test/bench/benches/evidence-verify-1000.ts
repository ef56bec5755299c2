import { systemEnv } from '@talosprotocol/core';
import { memoryAuditStore, openAuditLog } from '@talosprotocol/core/audit';
import { assembleEvidence, verifyEvidence } from '@talosprotocol/core/evidence';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import type { Bench } from '../measure.ts';

const entries = 1000;
/** Of which the thousand are spread: paths of fourteen hashes. */
const logSize = 10_000;

/** A file of a thousand single entries, each with its path and one disclosed payload, from text to verdicts. */
export const evidenceVerify1000: Bench = {
  name: 'evidence-verify-1000',
  maxRounds: 20,
  async open() {
    const { did, signer } = await restoreIdentity(await generateIdentitySecrets(systemEnv));
    const log = await openAuditLog({ store: memoryAuditStore(), signer, origin: 'bench.example/talos', env: systemEnv });
    for (let n = 1; n < logSize; n += 1)
      await log.append({ type: 'tool.request', agent: did, call: `call-${n}`, commit: { args: { to: `a${n}@b.example`, subject: 'hello' } } });
    const indices = Array.from({ length: entries }, (_, n) => 1 + n * 9);
    const text = await assembleEvidence({ logs: [{ log, entries: indices, disclose: indices.map((index) => ({ index, fields: ['args'] })) }] });
    const trust = { logs: [log.verifierKey] };
    return {
      async: async () => {
        const { verdict } = await verifyEvidence(text, trust);
        if (verdict !== 'verified') throw new Error(`the file is ${verdict}`);
      },
    };
  },
};
