import { expect, it, vi } from 'vitest';
import * as suite from '#suite';
import * as portable from '../../src/primitives/noble.ts';
import { wireCases } from './vectors/wire-cases.ts';

// The same real code with the other real suite under it, as a browser bundle has it.
vi.mock('#suite', () => import('../../src/primitives/noble.ts'));
vi.mock('#kem', () => import('../../src/primitives/noble-kem.ts'));

it('[VEC-WIRE] these cases run on the portable suite', () => {
  expect(suite.agreeX25519).toBe(portable.agreeX25519);
});

wireCases('portable suite');
