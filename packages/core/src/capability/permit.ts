import type { JsonObject } from '../bytes/json-value.ts';
import type { Admitted } from './capability-handle.ts';
import type { Candidate } from './compile.ts';

/** `candidate`: the leaf's grant that allowed the call. `grantPath` says which grant of every link above covers it. */
export type Taken = {
  readonly admitted: Admitted;
  readonly tool: string;
  /** What was checked: limits and approvals read it too. */
  readonly input: JsonObject;
  readonly candidate: Candidate;
};

/** What `authorize` allowed. No right yet: `reserve` turns it into a `Grant`, once. */
export class Permit {
  /** Never there; lets `if (permit.denied)` tell a permit from a refusal. */
  declare readonly denied?: undefined;
  readonly tool: string;
  /** Index of the leaf's grant that allowed the call. */
  readonly grant: number;
  readonly #parts: Taken;
  #taken = false;

  /** Not exported from the package: `authorize` is the only way to one. */
  constructor(parts: Taken) {
    this.tool = parts.tool;
    this.grant = parts.candidate.grant.index;
    this.#parts = parts;
  }

  /** What is behind a permit, once; undefined for anything that is none, and for the second time. Total. */
  static take(value: unknown): Taken | undefined {
    if (typeof value !== 'object' || value === null || !(#taken in value) || value.#taken) return undefined;
    value.#taken = true;
    return value.#parts;
  }
}
