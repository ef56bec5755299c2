/** Another process of a home: takes everything back that names a task, or joins the home, beside the process that has its log open. @module */
import { importEd25519SecretKey } from '#suite';
import { openRevocations } from '../../src/capability/revocations.ts';
import { systemEnv } from '../../src/env/env.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import { sqliteRevocationStore } from '../../src/node/sqlite-revocation-store.ts';
import { SqliteState } from '../../src/node/sqlite-state.ts';

const [path = '', seed = '', task = ''] = process.argv.slice(2);
const state = new SqliteState({ path, env: systemEnv });
const key = importEd25519SecretKey(Uint8Array.from(Buffer.from(seed, 'hex')));
const issuer = formatAgentId(key.publicKey);
const revocations = await openRevocations({ store: sqliteRevocationStore(state), env: systemEnv });
await revocations.join(issuer);
if (task !== '') await revocations.revoke([{ task }], { issuer, signer: localSigner(key) });
state.close();
