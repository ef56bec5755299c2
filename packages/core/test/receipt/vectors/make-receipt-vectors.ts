/** Writes `test/vectors/talos/v1/receipt.json` anew. Only when the format changes, which is a new version: the diff is what reviewers look at. */
import { writeFileSync } from 'node:fs';
import { makeReceiptVectors, receiptVectorFile } from './receipt-vector.ts';

writeFileSync(receiptVectorFile, `${JSON.stringify(await makeReceiptVectors(), null, 2)}\n`);
