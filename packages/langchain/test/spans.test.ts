import { describe, expect, it } from 'vitest';
import { expectArguments, expectSpans } from '../../../test/support/span-contract.ts';
import { harness } from './harness.ts';

describe('spans', () => {
  it.each(harness.modes)(
    '[LANGCHAIN-SPANS] each call is one span: what was decided, where it stands in the log, how it ended, nothing of what was said (%s)',
    async (mode) => {
      await expect(expectSpans(harness, mode)).resolves.toBeUndefined();
    },
  );

  it('[LANGCHAIN-SPANS] hold arguments only if they are asked for', async () => {
    await expect(expectArguments(harness)).resolves.toBeUndefined();
  });
});
