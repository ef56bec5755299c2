import { expectTypeOf, it } from 'vitest';
import * as v from 'valibot';
import { z } from 'zod';
import { any, anyArgs, len, optional, range, subpath, toolArgs, type ArgumentsOf, type ToolArgs, type ToolArgsOf } from '../../src/capability/index.ts';

const mail = z.object({ to: z.string(), subject: z.string().optional(), copies: z.number().default(1) });
const shape = v.object({ city: v.string(), days: v.optional(v.pipe(v.string(), v.transform(Number))) });
const json = { type: 'object', properties: { path: { type: 'string' }, limit: { type: 'integer' } }, required: ['path'], additionalProperties: false } as const;

it('[CAP-ARGUMENT-NAMES] of zod', () => {
  expectTypeOf(toolArgs(mail, { to: any(), subject: optional(len({ max: 120 })), copies: range({ max: 3 }) })).toEqualTypeOf<ToolArgs>();
  expectTypeOf<keyof ToolArgsOf<typeof mail>>().toEqualTypeOf<'to' | 'subject' | 'copies' | '*'>();
  expectTypeOf<ArgumentsOf<typeof mail>>().toEqualTypeOf<{ to: string; subject?: string | undefined; copies: number }>();
  // @ts-expect-error -- `too` is no argument
  toolArgs(mail, { too: any() });
  // @ts-expect-error -- nor beside one that is
  toolArgs(mail, { to: any(), subjct: any() });
  // @ts-expect-error -- a constraint, not a value
  toolArgs(mail, { to: 'bob@acme.com' });
});

it('[CAP-ARGUMENT-NAMES] of another Standard Schema', () => {
  toolArgs(shape, { city: any(), days: range({ max: 7 }) });
  expectTypeOf<ArgumentsOf<typeof shape>>().toEqualTypeOf<{ city: string; days?: number | undefined }>();
  // @ts-expect-error -- `town` is no argument
  toolArgs(shape, { town: any() });
});

it('[CAP-ARGUMENT-NAMES] of a JSON Schema, written apart or in place', () => {
  expectTypeOf<keyof ToolArgsOf<typeof json>>().toEqualTypeOf<'path' | 'limit' | '*'>();
  toolArgs(json, { path: subpath('docs'), limit: range({ max: 10 }) });
  toolArgs({ name: 'read_file', inputSchema: json }, { path: subpath('docs') });
  toolArgs({ type: 'object', properties: { query: { type: 'string' } } }, { query: any() });
  // @ts-expect-error -- `file` is no argument
  toolArgs(json, { file: subpath('docs') });
  // @ts-expect-error -- nor of an MCP tool with this schema
  toolArgs({ name: 'read_file', inputSchema: json }, { file: subpath('docs') });
  // @ts-expect-error -- `q` is no argument
  toolArgs({ type: 'object', properties: { query: { type: 'string' } } }, { q: any() });
});

it('[CAP-ARGUMENT-NAMES] the names after a transformation are the ones that are checked', () => {
  const renamed = z.object({ file: z.string() }).transform(({ file }) => ({ path: file }));
  expectTypeOf<keyof ToolArgsOf<typeof renamed>>().toEqualTypeOf<'path' | '*'>();
  toolArgs(renamed, { path: subpath('docs') });
  // @ts-expect-error -- the tool never sees `file`
  toolArgs(renamed, { file: subpath('docs') });
});

it('[CAP-ARGUMENT-NAMES] of a union, those of every member', () => {
  const either = z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), path: z.string() }), z.object({ kind: z.literal('b'), url: z.string() })]);
  expectTypeOf<keyof ToolArgsOf<typeof either>>().toEqualTypeOf<'kind' | 'path' | 'url' | '*'>();
  toolArgs(either, { kind: any(), path: optional(any()), url: optional(any()) });
  // @ts-expect-error -- in neither
  toolArgs(either, { kind: any(), host: any() });
});

it('[CAP-ARGUMENT-NAMES] any name where the type does not say', () => {
  type Listed = { readonly name: string; readonly inputSchema: { readonly type: 'object'; readonly properties?: { readonly [name: string]: object } } };
  expectTypeOf<ToolArgsOf<Listed>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<{ readonly name: string }>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<z.ZodRecord<z.ZodString, z.ZodUnknown>>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<z.ZodString>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<z.ZodArray<z.ZodString>>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<z.ZodUnknown>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<z.ZodAny>>().toEqualTypeOf<ToolArgs>();
  expectTypeOf<ToolArgsOf<object>>().toEqualTypeOf<ToolArgs>();
  toolArgs({ allOf: [json], properties: { more: {} } }, { path: any() });
  // @ts-expect-error -- a name is no tool
  toolArgs('read_file', { path: any() });
});

it('[CAP-ARGUMENT-NAMES] every argument of a tool can be let through', () => {
  expectTypeOf(toolArgs(mail, anyArgs())).toEqualTypeOf<ToolArgs>();
  toolArgs(json, { ...anyArgs(), path: subpath('docs') });
});
