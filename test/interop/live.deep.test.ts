import { expect, it } from 'vitest';
import { interopCases } from './cases.ts';
import { converseLive } from './live.ts';

for (const each of interopCases) {
  it(`[RAT-FOREIGN] talks live with the foreign code: ${each.name}`, async () => {
    expect((await converseLive(each)).sent.length).toBeGreaterThan(100);
  });
}
