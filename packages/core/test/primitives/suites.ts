/** Both suites under one name each: every table of this folder runs through both columns. @module */
import * as native from '../../src/primitives/node.ts';
import * as nativeKem from '../../src/primitives/node-kem.ts';
import * as portable from '../../src/primitives/noble.ts';
import * as portableKem from '../../src/primitives/noble-kem.ts';
import type { KemSuite, Suite } from '../../src/primitives/contract.ts';

export const suites: readonly { readonly name: string; readonly suite: Suite }[] = [
  { name: 'portable', suite: portable },
  { name: 'node', suite: native },
];

export const kemSuites: readonly { readonly name: string; readonly kem: KemSuite }[] = [
  { name: 'portable', kem: portableKem },
  { name: 'node', kem: nativeKem },
];
