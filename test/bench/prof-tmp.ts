import { anyArgs, memoryHome, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';
const transport = memoryTransport();
const a = await TalosClient.create('caller', { stores: memoryHome(), transport });
const b = await TalosClient.create('callee', { stores: memoryHome(), transport });
await a.establishSession(b.did, await b.bundle());
await b.serve({ tools: [{ name: 'echo', description: 'x', inputSchema: { type: 'object' }, execute: (given) => given }] });
const capability = await b.grant({ to: a.did, at: b.did, for: '1h', tools: { echo: anyArgs() } });
const input = { text: 'x'.repeat(240) };
for (const callers of [1, 64, 1, 64]) {
  const n = callers === 1 ? 400 : 60;
  const u0 = process.cpuUsage(); const t = performance.now(); const micros: number[] = [];
  await Promise.all(Array.from({ length: callers }, async () => { for (let i = 0; i < n; i++) { const s = performance.now(); const r = await a.call(b.did, 'echo', input, { capability }); if (r.status !== 'ok') throw new Error(r.status); micros.push((performance.now() - s) * 1000); } }));
  const u = process.cpuUsage(u0); micros.sort((x, y) => x - y);
  console.log(callers, 'p50', Math.round(micros[micros.length >> 1]), 'per s', Math.round(micros.length / (performance.now() - t) * 1000), 'cpu us/call', Math.round((u.user + u.system) / micros.length));
}
await a.close(); await b.close();
