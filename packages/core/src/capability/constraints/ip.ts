/** IP addresses and blocks as text. One spelling of IPv4, and no IPv4 inside IPv6: what two parsers read differently is refused. @module */

/** `bits` are fixed, `free` are not: together 32 or 128. */
export type IpBlock = { readonly version: 4 | 6; readonly address: bigint; readonly bits: number; readonly free: bigint };

/** Decimal, no leading zeros: `010.0.0.1` is 8.0.0.1 to some and 10.0.0.1 to others. */
const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = /* @__PURE__ */ new RegExp(`^${octet}(?:\\.${octet}){3}$`);

/** RFC 4291 §2.2, forms 1 and 2. No zone, no dotted tail. */
const ipv6Group = /^[0-9A-Fa-f]{1,4}$/;
const groups = 8;
/** Eight groups of four and their colons: bounds what is split. */
const maxIpv6Length = 39;

/** An address, or `address/bits` with no bit set beyond them. Undefined for all else. Total. */
export function parseBlock(text: string): IpBlock | undefined {
  const [address = '', bits, ...more] = text.split('/', 3);
  const version = address.includes(':') ? 6 : 4;
  const value = version === 6 ? parseIpv6(address) : parseIpv4(address);
  const width = version === 6 ? 128 : 32;
  const fixed = bits === undefined ? width : /^(?:0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : Number.NaN;
  if (value === undefined || more.length > 0 || !(fixed <= width)) return undefined;
  const free = BigInt(width - fixed);
  if ((value >> free) << free !== value) return undefined;
  return { version, address: value, bits: fixed, free };
}

/** Undefined if it is not four decimal numbers. */
export function parseIpv4(text: string): bigint | undefined {
  return ipv4.test(text) ? text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) : undefined;
}

function parseIpv6(text: string): bigint | undefined {
  if (text.length > maxIpv6Length) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = groups - head.length - tail.length;
  // `::` stands for at least one group; without it there is none to stand for.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every((group) => ipv6Group.test(group))) return undefined;
  const value = all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
  // ::ffff:a.b.c.d reaches an IPv4 host, and so do ::a.b.c.d, 64:ff9b:: and 2002:: on the machines that still map them.
  return embedsIpv4(value) ? undefined : value;
}

function embedsIpv4(value: bigint): boolean {
  if (value === 0n || value === 1n) return false;
  const high = value >> 32n;
  return high === 0n || high === 0xffffn || high === 0xffff0000n || high === 0x64ff9b0000000000000000n || value >> 112n === 0x2002n;
}
