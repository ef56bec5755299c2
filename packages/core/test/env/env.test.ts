import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemEnv } from '../../src/env/env.ts';

describe('the system environment', () => {
  it('[ENV-CLOCKS] now is wall time in milliseconds and monotonic never goes backwards', () => {
    expect(Math.abs(systemEnv.now() - Date.now())).toBeLessThan(1000);
    let last = systemEnv.monotonic();
    for (let i = 0; i < 10_000; i++) {
      const next = systemEnv.monotonic();
      expect(next).toBeGreaterThanOrEqual(last);
      last = next;
    }
  });

  it('[ENV-TIMER] after runs once, and not after it was cancelled', async () => {
    const ran: string[] = [];
    const cancel = systemEnv.after(1, () => ran.push('cancelled'));
    cancel();
    await new Promise<void>((resolve) => {
      systemEnv.after(20, () => {
        ran.push('kept');
        resolve();
      });
      // The timer is unreferenced by design: this one keeps the test alive.
      setTimeout(resolve, 20_000);
    });
    expect(ran).toEqual(['kept']);
  });

  it('[ENV-TIMER] a pending timer keeps no process alive', () => {
    const script = `import { systemEnv } from ${JSON.stringify(fileURLToPath(new URL('../../src/env/env.ts', import.meta.url)))}; systemEnv.after(60_000, () => {}); process.stdout.write('done');`;
    const run = spawnSync(
      process.execPath,
      ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        timeout: 55_000,
        encoding: 'utf8',
      },
    );
    expect({ status: run.status, signal: run.signal, stdout: run.stdout }).toEqual({ status: 0, signal: null, stdout: 'done' });
  });

  it('[ENV-RANDOM] gives a fresh array of the length asked for', () => {
    const first = systemEnv.randomBytes(32);
    const second = systemEnv.randomBytes(32);
    expect([first.length, second.length]).toEqual([32, 32]);
    expect(first).not.toEqual(second);
    expect(first.buffer).not.toBe(second.buffer);
  });

  it('[ENV-CLOCKS] cannot be replaced from outside', () => {
    expect(Object.isFrozen(systemEnv)).toBe(true);
  });
});
