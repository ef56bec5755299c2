/** Replaces one record again and again until it is killed: the child of the crash test. @module */
import { fileKeyStore } from '../../src/node/file-key-store.ts';

const store = fileKeyStore({ dir: process.argv[2] as string, protection: { keyProvider: async () => new Uint8Array(32).fill(4) } });
for (let i = 0; ; i++) {
  await store.save('agent.alice', new Uint8Array(3000).fill(i % 256), 'present');
  if (i === 0) process.stdout.write('saving\n');
}
