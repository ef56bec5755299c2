/** Opens as many sessions as asked on one agent with a store on disk, and prints how many bytes the process grew by. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemEnv } from '@talosprotocol/core';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { encodeContents, memoryTransport, openMessenger } from '@talosprotocol/core/message';
import { openSqliteSessions } from '@talosprotocol/core/node';
import { encryptMessage, initiateSession, readBundleSigner, verifyPrekeyBundle } from '@talosprotocol/core/session';

const count = Number(process.argv[2]);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const folder = mkdtempSync(join(tmpdir(), 'talos-memory-'));
const sessions = await openSqliteSessions({ path: join(folder, 'sessions.db'), fencePath: join(folder, 'fence.db'), key: systemEnv.randomBytes(32) });
const own = await restoreIdentity(await generateIdentitySecrets(systemEnv));
const messenger = await openMessenger({ identity: own, ...sessions.of(own.did), transport: memoryTransport() });
messenger.onMessage(() => undefined);
const bundle = await messenger.bundle({ oneTime: false });
const { did } = readBundleSigner(bundle);
const contents = encodeContents({ kind: 'text', text: 'x'.repeat(256) });

async function open(): Promise<void> {
  const peer = await restoreIdentity(await generateIdentitySecrets(systemEnv));
  const verified = verifyPrekeyBundle(bundle, { expectedDid: did, identityKey: own.signer.publicKey, now: systemEnv.now() });
  const session = await initiateSession({ own: peer, bundle: verified }, systemEnv);
  await messenger.receive(encryptMessage(session, contents, systemEnv).frame);
  // Answered, as an open session is: its sending chain is there too.
  await messenger.send(peer.did, 'y'.repeat(256));
}

const used = (): number => {
  collect();
  return process.memoryUsage().rss;
};
// What is loaded and compiled with the first ones is not the sessions'.
for (let i = 0; i < 50; i++) await open();
const before = used();
for (let i = 0; i < count; i++) await open();
const after = used();
process.stdout.write(String(after - before));
await messenger.close();
await sessions.close();
rmSync(folder, { recursive: true, force: true });
