/** The code of what `run` throws, for tables that compare codes. @module */
import { TalosError } from '../../src/errors/talos-error.ts';

/** `'nothing thrown'`, a Talos code, or `uncoded: …`, so that a row never passes for the wrong reason. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return nameOf(error);
  }
  return 'nothing thrown';
}

export async function codeOfAsync(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    return nameOf(error);
  }
  return 'nothing thrown';
}

function nameOf(error: unknown): string {
  return TalosError.isInstance(error) ? error.code : `uncoded: ${String(error)}`;
}
