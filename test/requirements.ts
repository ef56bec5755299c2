/**
 * Every promise of Talos, one id and one sentence each. The promises of one area stand in `requirements/<area>.ts`; a test cites
 * an id in square brackets at the head of its title, and requirements.test.ts fails on an id that is cited nowhere or known nowhere.
 * @module
 */
import { readdirSync } from 'node:fs';

const folder = new URL('requirements/', import.meta.url);

/** Reads every area, so that a new file counts by being there. Two areas with one id are refused. */
export async function loadRequirements(): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const file of readdirSync(folder).toSorted()) {
    const areas = Object.values((await import(new URL(file, folder).href)) as Record<string, Record<string, string>>);
    for (const [id, promise] of areas.flatMap((area) => Object.entries(area))) {
      if (all.has(id)) throw new Error(`two areas promise ${id}`);
      all.set(id, promise);
    }
  }
  return all;
}
