/** Names and addresses that mean this machine or this network (RFC 6761, RFC 6762, RFC 1918, RFC 6598, RFC 3927). @module */
import { isInsideAny } from './cidr.ts';
import { parseBlock, type IpBlock } from './ip.ts';

/** Top-level names that no public server answers for. */
const privateNames = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|arpa|test|invalid|onion)$/;

const privateBlocks: readonly IpBlock[] = /* @__PURE__ */ [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
].map((block) => parseBlock(block) as IpBlock);

/** `host` in lower case. A name without a dot is looked up in the search domains of the machine. */
export function isPrivateHost(host: string): boolean {
  return !host.includes('.') || privateNames.test(host) || isInsideAny(parseBlock(host), privateBlocks);
}
