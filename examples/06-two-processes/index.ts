/**
 * A LangChain agent asks a Mastra agent in another process, over a relay; that one uses a tool under a right that the first one gave it. One
 * receipt, signed by both, is proved from both logs. Runs offline with scripted models, checks its own result, and exits with 1 if anything differs.
 * @module
 */
import assert from 'node:assert/strict';
import { runTwoProcesses } from './two-processes.ts';

const { answer, receipts, isSame, refusals, wire } = await runTwoProcesses();

console.log(`answer   ${answer}`);
console.log(`receipt  ${receipts.a.state}, ${receipts.a.outcome?.outcome}, by ${receipts.a.outcome?.log}`);
console.log(`logs     ${isSame ? 'hold the same request, outcome and countersignature' : 'differ'}`);
console.log(`wire     ${wire.length} bytes`);

assert.deepEqual(JSON.parse(answer), { report: 'Sales: 1200 in the north.', read: ['north'] });
assert.equal(receipts.a.state, 'both-signed');
assert.deepEqual(receipts.a, receipts.b);
assert.ok(isSame);
// The Mastra agent asked for the south as well, and was refused by B's own guard.
assert.equal(refusals, 1);
for (const word of ['north', 'write_report', 'query_sales', '1200']) assert.ok(!wire.includes(word), `${word} is on the wire`);
assert.ok(wire.length > 0);
