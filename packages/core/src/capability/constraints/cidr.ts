/** `cidr`: an IP address inside some blocks (docs/spec/02 §6.12). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import type { ConstraintKind } from '../constraint-kind.ts';
import { parseBlock, type IpBlock } from './ip.ts';

/** An IPv4 or IPv6 address, or a block, inside one of these blocks; of a list argument, every element. `10.0.0.0/8`, `2001:db8::/32`. */
export function cidr(...blocks: readonly string[]): { readonly cidr: readonly string[] } {
  return { cidr: blocks };
}

export const cidrKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const blocks = parseBlocks(rule);
    return blocks === undefined ? undefined : (value) => typeof value === 'string' && isInsideAny(parseBlock(value), blocks);
  },
};

/** Undefined if one of them is no block. */
export function parseBlocks(rule: JsonValue): readonly IpBlock[] | undefined {
  if (!Array.isArray(rule) || rule.length === 0) return undefined;
  const blocks = (rule as readonly JsonValue[]).map((block) => (typeof block === 'string' ? parseBlock(block) : undefined));
  return blocks.every((block) => block !== undefined) ? blocks : undefined;
}

/** Inside one of them, not across two. */
export function isInsideAny(block: IpBlock | undefined, blocks: readonly IpBlock[]): boolean {
  return (
    block !== undefined &&
    blocks.some((above) => above.version === block.version && above.bits <= block.bits && block.address >> above.free === above.address >> above.free)
  );
}
