/** Two agents of two homes: one serves a tool, the other has a right to it. @module */
import { eq, memoryHome, TalosClient } from '@talosprotocol/core';
import { memoryTransport } from '@talosprotocol/core/message';

export type RemotePeers = {
  readonly client: TalosClient;
  readonly peer: TalosClient;
  /** For `render_chart` of the peer, with three rows. */
  readonly capability: string;
  /** What reached the tool. */
  readonly ran: readonly unknown[];
  readonly close: () => Promise<void>;
};

export async function remotePeers(): Promise<RemotePeers> {
  const transport = memoryTransport();
  const client = await TalosClient.create('asks', { stores: memoryHome(), transport });
  const peer = await TalosClient.create('serves', { stores: memoryHome(), transport });
  await client.establishSession(peer.did, await peer.bundle());
  const ran: unknown[] = [];
  const inputSchema = { type: 'object', properties: { rows: { type: 'number' } }, required: ['rows'], additionalProperties: false };
  const execute = (input: unknown) => ran.push(input) && { image: 'chart.svg' };
  await peer.serve({ tools: [{ name: 'render_chart', description: 'Draws a chart.', inputSchema, execute }] });
  const capability = await peer.grant({ to: client.did, at: peer.did, tools: { render_chart: { rows: eq(3) } } });
  const close = async () => {
    await client.close();
    await peer.close();
  };
  return { client, peer, capability, ran, close };
}
