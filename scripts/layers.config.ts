/**
 * Who may import whom. A room of core may import the rooms of every lower layer and, inside its own layer, only those named
 * here; everything else is refused. The layers are those of docs/architecture.md.
 * @module
 */
import type { IForbiddenRuleType } from 'dependency-cruiser';

/** Lowest first. A room that is not listed may not exist. */
const layers: readonly (readonly string[])[] = [
  ['errors', 'bytes'],
  ['env', 'primitives'],
  ['identity', 'seal'],
  ['session', 'capability', 'audit'],
  ['message', 'guard', 'receipt'],
  ['remote', 'evidence', 'export', 'report'],
  ['client'],
  ['node', 'web', 'testing'],
];

/** The two steps inside a layer: coded errors of the byte formats, and the generator behind the clock's port. */
const withinLayer: Readonly<Record<string, readonly string[]>> = { bytes: ['errors'], env: ['primitives'] };

const core = '^packages/core/src/';
const entries = [`${core}index\\.ts$`, `${core}[^/]+/index\\.ts$`];
const rooms = layers.flat();

const roomRules = layers.flatMap((layer, level) =>
  layer.map((room): IForbiddenRuleType => {
    const allowed = [...layers.slice(0, level).flat(), room, ...(withinLayer[room] ?? [])];
    return {
      name: `core-${room}`,
      severity: 'error',
      from: { path: `${core}${room}/` },
      to: { path: core, pathNot: [`${core}(${allowed.join('|')})/`] },
    };
  }),
);

export const forbidden: readonly IForbiddenRuleType[] = [
  ...roomRules,
  { name: 'core-known-rooms', severity: 'error', from: {}, to: { path: `${core}[^/]+/`, pathNot: [`${core}(${rooms.join('|')})/`] } },
  { name: 'core-own-index', severity: 'error', from: { path: core, pathNot: [`${core}index\\.ts$`] }, to: { path: entries } },
  { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  {
    name: 'noble-in-primitives',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: [`${core}primitives/`] },
    to: { path: '(^|/)@noble/' },
  },
  {
    name: 'node-on-the-porch',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: [`${core}node/`, `${core}primitives/node[^/]*\\.ts$`, '^packages/relay/src/'] },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'node-suite-is-crypto-only',
    severity: 'error',
    from: { path: `${core}primitives/` },
    to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
  },
  {
    name: 'crypto-in-primitives',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: [`${core}primitives/`] },
    to: { path: '^(node:)?crypto$' },
  },
  { name: 'core-brings-noble-only', severity: 'error', from: { path: core }, to: { pathNot: [core, '(^|/)@noble/'], dependencyTypesNot: ['core'] } },
  {
    name: 'packages-use-public-entries',
    severity: 'error',
    from: { path: '^packages/(cose|langchain|mastra|openai-agents|postgres|relay|timestamp|vercel-ai)/src/' },
    to: { path: '^packages/core/', pathNot: entries },
  },
  {
    name: 'packages-stand-alone',
    severity: 'error',
    from: { path: '^packages/(cose|langchain|mastra|openai-agents|postgres|relay|timestamp|vercel-ai)/src/' },
    to: { path: '^packages/(cose|langchain|mastra|openai-agents|postgres|relay|timestamp|vercel-ai)/', pathNot: ['^packages/$1/'] },
  },
  {
    name: 'relay-brings-its-server-only',
    severity: 'error',
    from: { path: '^packages/relay/src/' },
    to: { pathNot: ['^packages/(relay|core)/src/', '(^|/)(ws|commander)/', '^(ws|commander|@types/ws)$'], dependencyTypesNot: ['core'] },
  },
  {
    name: 'published-code-brings-what-it-imports',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/' },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm', 'npm-peer'] },
  },
  {
    name: 'packages-before-examples-and-tests',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/' },
    to: { path: '^(examples|test|scripts|packages/[^/]+/test)/' },
  },
  {
    name: 'examples-use-public-entries',
    severity: 'error',
    from: { path: '^examples/' },
    to: { path: '^packages/', pathNot: ['^packages/[^/]+/src/index\\.ts$', '^packages/[^/]+/src/[^/]+/index\\.ts$'] },
  },
];
