import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { relayProcess, runToEnd } from './relay-process.ts';
import { agentAt, bundleMaker, closeAll, codeOf, relayHere, temporaryFolder, until } from './support.ts';

afterEach(closeAll);

const rounds = process.env['TALOS_DEEP'] === '1' ? 20 : 2;

describe('talos-relay', () => {
  it('[RLY-CRASH] killed in the middle of a delivery, again and again, it loses nothing that it accepted', async () => {
    const db = join(temporaryFolder(), 'relay.db');
    let relay = await relayProcess(['--port', '0', '--db', db]);
    const args = ['--port', String(relay.port), '--db', db];
    const [sender, receiver] = [await agentAt(relay.url), await agentAt(relay.url)];
    const [accepted, arrived] = [new Set<number>(), new Set<number>()];
    await receiver.transport.receive(receiver.did, async (frame) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      arrived.add(Buffer.from(frame).readUInt32BE());
    });
    // Known to each other: strangers' quota would be full before the back-off of a relay that dies every second is over.
    await receiver.transport.send(sender.did, Uint8Array.of(0));
    let name = 0;
    const stop = new AbortController();
    const sending = (async () => {
      while (!stop.signal.aborted) {
        const batch = Array.from({ length: 20 }, async () => {
          const frame = Buffer.alloc(300);
          frame.writeUInt32BE(name++);
          if ((await codeOf(sender.transport.send(receiver.did, frame))) === 'no error') accepted.add(frame.readUInt32BE());
        });
        await Promise.all(batch);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    for (let round = 0; round < rounds; round++) {
      const before = accepted.size;
      await until(() => accepted.size > before + 100);
      await relay.kill();
      relay = await relayProcess(args);
    }
    stop.abort();
    await sending;
    await until(() => [...accepted].every((each) => arrived.has(each)), 60_000);
    expect(accepted.size).toBeGreaterThan(100 * rounds);
  });

  it('[RLY-CRASH] a pair that was given before the crash is not given after it, and one that was not is still there', async () => {
    const db = join(temporaryFolder(), 'relay.db');
    const relay = await relayProcess(['--port', '0', '--db', db]);
    const [owner, peer] = [await agentAt(relay.url), await agentAt(relay.url)];
    const maker = await bundleMaker(owner.identity);
    await owner.transport.directory?.publishBundles([await maker.bundle(), await maker.bundle()]);
    const first = await peer.transport.directory?.fetchBundle(owner.did);
    await relay.kill();
    await relayProcess(['--port', String(relay.port), '--db', db]);
    let second: Uint8Array | undefined;
    await until(async () => {
      second = await peer.transport.directory?.fetchBundle(owner.did).catch(() => undefined);
      return second !== undefined;
    });
    expect(Buffer.from(second!).equals(Buffer.from(first!))).toBe(false);
    expect(await codeOf(peer.transport.directory!.fetchBundle(owner.did))).toBe('TALOS_TRANSPORT_NO_BUNDLE');
  });

  it('[RLY-CLI] says where it listens, in words or JSON, and ends cleanly when it is told to', async () => {
    const db = join(temporaryFolder(), 'relay.db');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { code, stdout, stderr } = await runToEnd(['--port', '0', '--db', db], (child) => child.kill(signal));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^talos-relay\/1 listens at ws:\/\/127\.0\.0\.1:\d+ as ws:\/\/127\.0\.0\.1:\d+, mail in .+\n$/);
    }
    const { stdout } = await runToEnd(['--port', '0', '--db', db, '--json', '--origin', 'wss://relay.example/'], (child) => child.kill());
    expect(JSON.parse(stdout)).toMatchObject({ origin: 'wss://relay.example', db });
  });

  it('[RLY-CLI] helps, and says what is wrong with a flag', async () => {
    const [help, port, unknown, exposed] = await Promise.all([
      runToEnd(['--help']),
      runToEnd(['--port', '99999']),
      runToEnd(['--prot', '1']),
      runToEnd(['--port', '0', '--host', '0.0.0.0', '--db', join(temporaryFolder(), 'relay.db')]),
    ]);
    expect(help.code).toBe(0);
    for (const flag of ['--port', '--host', '--db', '--origin', '--json', '--max-db-mib', '--version']) expect(help.stdout).toContain(flag);
    expect(port).toMatchObject({ code: 1, stderr: expect.stringContaining('at most 65535') });
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('--port') });
    expect(exposed).toMatchObject({ code: 1, stderr: expect.stringContaining('TALOS_USAGE_OPTIONS') });
  });

  it('[RLY-STORE] one relay has a database at a time, it is its owner’s alone, and another file is refused', async () => {
    const { path } = await relayHere();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await codeOf(relayHere({ path }))).toBe('TALOS_STORE_CONFLICT');
    const foreign = join(temporaryFolder(), 'notes.txt');
    writeFileSync(foreign, 'no database '.repeat(100));
    expect(await codeOf(relayHere({ path: foreign }))).toMatch(/^TALOS_STORE_/);
  });

  it('[RLY-STORE] a full database refuses frames as retryable, and takes them again when mail was fetched', async () => {
    const { url } = await relayHere({ limits: { databaseBytes: 2 * 1024 * 1024, strangers: { frames: 10_000, bytes: 2 ** 30 } } });
    const [sender, receiver] = [await agentAt(url), await agentAt(url)];
    const frame = () => crypto.getRandomValues(new Uint8Array(60_000));
    let taken = 0;
    while ((await codeOf(sender.transport.send(receiver.did, frame()))) === 'no error') taken++;
    expect(taken).toBeGreaterThan(10);
    await expect(sender.transport.send(receiver.did, frame())).rejects.toMatchObject({ code: 'TALOS_TRANSPORT_SEND_FAILED', retryable: true });
    let arrived = 0;
    await receiver.transport.receive(receiver.did, async () => void arrived++);
    await until(() => arrived === taken);
    await until(async () => (await codeOf(sender.transport.send(receiver.did, frame()))) === 'no error');
  });
});
