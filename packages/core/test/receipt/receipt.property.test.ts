import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiptError } from '../../src/errors/receipt-error.ts';
import { readCountersignature, readOutcome, readRequest, verifyReceipt, type Receipt } from '../../src/receipt/index.ts';
import { keys, makeReceipt, withValue } from './support.ts';

const receipt = await makeReceipt('property', withValue({ rows: [1, 2, 3] }));
const parts = ['request', 'outcome', 'countersignature'] as const;

function refusalOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (ReceiptError.isInstance(error)) return error.code;
    throw error;
  }
}

describe('receipts under attack', () => {
  it('[RECEIPT-TAMPER] no other character anywhere verifies', () => {
    for (const part of parts) {
      const text = receipt[part];
      for (let i = 0; i < text.length; i++) {
        const other = text[i] === 'A' ? 'B' : 'A';
        const changed: Receipt = { ...receipt, [part]: text.slice(0, i) + other + text.slice(i + 1) };
        expect(
          refusalOf(() => verifyReceipt(changed, keys)),
          `${part} at ${i}`,
        ).toBeDefined();
      }
    }
  });

  it('[RECEIPT-TAMPER] cut, doubled and spliced texts do not verify', () => {
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(2000), fc.nat(2000), fc.string(), (part, at, cut, insert) => {
        const text = receipt[part];
        const changed = text.slice(0, at) + insert + text.slice(at + cut);
        fc.pre(changed !== text);
        expect(refusalOf(() => verifyReceipt({ ...receipt, [part]: changed }, keys))).toBeDefined();
      }),
    );
  });

  it('[RECEIPT-CODED] whatever is no receipt is refused with a code', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.anything().filter((value) => typeof value !== 'string'),
    );
    fc.assert(
      fc.property(anything, (value) => {
        for (const read of [readRequest, readOutcome, readCountersignature]) expect(refusalOf(() => read(value as string))).toBe('TALOS_RECEIPT_MALFORMED');
      }),
    );
  });
});
