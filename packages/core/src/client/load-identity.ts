import type { Env } from '../env/env.ts';
import { UsageError } from '../errors/usage-error.ts';
import { generateIdentitySecrets, restoreIdentity, type Identity } from '../identity/identity.ts';
import { decodeIdentitySecrets, encodeIdentitySecrets } from '../identity/identity-secrets.ts';
import type { KeyStore } from '../identity/key-store.ts';

/** `agent.` and a name are one record of the key store, and a file name in a folder of them. */
const agentName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,57}$/;

/** The agent of this name: restored from its home, or drawn and kept there first. `created` tells which. */
export async function loadIdentity(input: {
  readonly name: string;
  readonly keys: KeyStore;
  readonly env: Env;
}): Promise<{ readonly identity: Identity; readonly created: boolean }> {
  const { name, keys, env } = input;
  if (typeof name !== 'string' || !agentName.test(name)) {
    throw new UsageError({
      code: 'TALOS_USAGE_ARGUMENT',
      message: 'a name has 1 to 58 letters, digits, dots, underscores or hyphens and begins with a letter or digit',
    });
  }
  const record = `agent.${name}`;
  const kept = await keys.load(record);
  if (kept !== undefined) {
    const secrets = decodeIdentitySecrets(kept);
    kept.fill(0);
    return { identity: await restoreIdentity(secrets), created: false };
  }
  const secrets = await generateIdentitySecrets(env);
  const encoded = encodeIdentitySecrets(secrets);
  await keys.save(record, encoded, 'absent');
  encoded.fill(0);
  return { identity: await restoreIdentity(secrets), created: true };
}
