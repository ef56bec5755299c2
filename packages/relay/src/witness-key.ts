import type { Env } from '@talosprotocol/core';
import { deriveSigner, type KeyStore, type Signer } from '@talosprotocol/core/identity';

const record = 'witness';

/** The witness's own key, drawn on first use. A key of its own: what it cosigns does not hold its name. */
export async function loadWitnessSigner(keys: KeyStore, env: Env): Promise<Signer> {
  const kept = await keys.load(record);
  const seed = kept ?? env.randomBytes(32);
  if (kept === undefined) await keys.save(record, seed, 'absent');
  const signer = deriveSigner(seed);
  seed.fill(0);
  return signer;
}
