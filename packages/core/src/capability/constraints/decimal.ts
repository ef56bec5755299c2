/** Decimal numbers as text, compared digit by digit: 0.1 + 0.2 has no place in a budget (docs/spec/02 §6.4). @module */

/** units × 10^−scale */
export type Decimal = { readonly units: bigint; readonly scale: number };

/** Plain notation, one text per value but for trailing zeros; no sign `+`, no exponent. */
const plain = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** Longer than any sum of money with any currency's decimals, short enough that comparing costs nothing. */
const maxDigits = 40;

/** Undefined if the text is not a decimal number in plain notation of at most 40 characters. */
export function parseDecimal(text: string): Decimal | undefined {
  if (text.length > maxDigits || !plain.test(text)) return undefined;
  const point = text.indexOf('.');
  if (point === -1) return { units: BigInt(text), scale: 0 };
  return { units: BigInt(text.slice(0, point) + text.slice(point + 1)), scale: text.length - point - 1 };
}

/** a − b, exact. */
export function subtractDecimal(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescale(a, scale) - rescale(b, scale), scale };
}

/** Whether `value` is a whole multiple of `step`, exact. */
export function isMultiple(value: Decimal, step: Decimal): boolean {
  const scale = Math.max(value.scale, step.scale);
  return rescale(value, scale) % rescale(step, scale) === 0n;
}

function rescale(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}
