import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/primitives/secret.ts';
import { codeOf } from '../errors/code-of.ts';
import { suites } from './suites.ts';

const bytes = (): Uint8Array => new Uint8Array(32).fill(0xa7);
/** 0xa7 as the printers would write it: decimal, hex, base64 of three of them. */
const traces = /167|a7|p6en|pqen/i;

describe('a secret', () => {
  it.each<[string, (secret: unknown) => string]>([
    ['JSON', (secret) => JSON.stringify({ secret })],
    ['inspect', (secret) => inspect({ secret }, { depth: 9, showHidden: true })],
    ['console.log', (secret) => format('%s %o %j', secret, secret, secret)],
    ['String', (secret) => String(secret)],
    ['a template', (secret) => `<${secret as string}>`],
    ['a sum', (secret) => 'secret: ' + (secret as string)],
    ['an error message', (secret) => new Error(String(secret)).stack ?? ''],
    ['its own members', (secret) => JSON.stringify([Object.getOwnPropertyNames(secret), Object.entries(secret as object)])],
  ])('[SECRET-REDACTED] is not printed by %s', (_how, print) => {
    expect(print(new Secret(bytes()))).not.toMatch(traces);
  });

  it('[SECRET-REDACTED] is not carried to another realm by a clone', () => {
    expect(inspect(structuredClone(new Secret(bytes())))).not.toMatch(traces);
  });

  it.each(suites)('[SECRET-REDACTED] is not printed with its key handle: $name', ({ suite }) => {
    const keys = [suite.importEd25519SecretKey(bytes()), suite.importX25519SecretKey(bytes())];
    for (const key of keys) {
      const printed = [JSON.stringify({ ...key, publicKey: undefined }), inspect({ ...key, publicKey: undefined }, { depth: 9, showHidden: true })];
      for (const text of printed) expect(text.replaceAll(/\[Symbol\(.*?\)\]/g, '')).not.toMatch(traces);
    }
  });

  it('[SECRET-WIPED] exposes the live bytes until it is wiped, and then refuses', () => {
    const held = bytes();
    const secret = new Secret(held);
    expect(secret.expose()).toBe(held);
    secret.wipe();
    expect(held).toEqual(new Uint8Array(32));
    expect(codeOf(() => secret.expose())).toBe('TALOS_USAGE_CLOSED');
    expect(() => secret.wipe()).not.toThrow();
  });
});
