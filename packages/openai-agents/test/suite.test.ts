import { adapterSuite } from '@talosprotocol/core/testing';
import { describe, expect, it } from 'vitest';
import { harness } from './harness.ts';

describe('the adapter suite in the OpenAI Agents SDK', () => {
  it.for(adapterSuite(harness))('[OPENAI-SUITE] $name', async ({ cannot, run }, { skip }) => {
    if (cannot !== undefined) skip(cannot);
    await expect(run()).resolves.toBeUndefined();
  });
});
