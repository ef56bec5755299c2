/** Prints what both suites answer to the policy table under this Node, as JSON, for the comparison across versions. @module */
import * as native from '../../src/primitives/node.ts';
import * as portable from '../../src/primitives/noble.ts';
import { policyCases, runPolicyTable } from './ed25519-policy-table.ts';
import { wycheproofPolicyCases } from './wycheproof.ts';

const cases = [...policyCases(), ...wycheproofPolicyCases()];
const columns = { version: process.version, portable: runPolicyTable(portable, cases), native: runPolicyTable(native, cases) };
process.stdout.write(`${JSON.stringify(columns)}\n`);
