/**
 * Whether two byte arrays are equal, in time that depends on their length only.
 * JavaScript gives no guarantee about timing; this removes the early exit, which is what can be removed.
 */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
