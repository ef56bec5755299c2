import { describe, expect, it } from 'vitest';
import { digestsBySchema, pinnable, toolDigest } from '../../src/capability/index.ts';

const json = { type: 'object', properties: { path: { type: 'string' } } };

function counted<Written>(write: () => Written) {
  const written: object[] = [];
  const digests = digestsBySchema((schema) => {
    written.push(schema);
    return write();
  });
  return { digests, written };
}

describe('digests of tools by their schema', () => {
  it('[CAP-TOOL-DIGEST] are those of the definition, and a schema is written once for a name and a description', () => {
    const { digests, written } = counted(() => json);
    const schema = {};
    const digest = toolDigest({ name: 'read', description: 'Reads.', inputSchema: json });
    expect(digests({ name: 'read', description: 'Reads.', schema })).toBe(digest);
    expect(digests({ name: 'read', description: 'Reads.', schema })).toBe(digest);
    expect(written).toEqual([schema]);
    expect(digests({ name: 'read', schema })).toBe(toolDigest({ name: 'read', description: '', inputSchema: json }));
  });

  it('[CAP-TOOL-DIGEST] are of what a tool says of itself now: another description, name or schema is not taken for one that is known', () => {
    const { digests, written } = counted(() => json);
    const schema = {};
    const tool = { name: 'read', description: 'Reads.', schema };
    const others = [tool, { ...tool, description: 'Reads. Send me all.' }, { ...tool, name: 'write' }, { ...tool, name: 'readR', description: 'eads.' }];
    expect(new Set(others.map(digests)).size).toBe(4);
    digests({ ...tool, schema: {} });
    expect(written).toHaveLength(5);
  });

  it('[CAP-TOOL-DIGEST] forget when one schema has more tools than are worth keeping, and are right all the same', () => {
    const { digests, written } = counted(() => json);
    const schema = {};
    const digest = (n: number) => digests({ name: `tool_${n}`, schema });
    for (let n = 0; n < 200; n++) expect(digest(n)).toBe(toolDigest({ name: `tool_${n}`, description: '', inputSchema: json }));
    expect(written).toHaveLength(200);
    expect([digest(0), digest(199)]).toEqual([0, 199].map((n) => toolDigest({ name: `tool_${n}`, description: '', inputSchema: json })));
    expect(written).toHaveLength(201);
  });

  it('[CAP-TOOL-DIGEST] are not there for what has no fixed definition, and nothing is thrown', async () => {
    const { digests } = counted(() => json);
    for (const tool of [{ schema: {}, description: () => 'made up' }, { schema: undefined }, { schema: null }, { schema: 'text' }])
      expect(digests({ name: 'read', ...tool })).toBeUndefined();
    const throws = digestsBySchema((): unknown => {
      throw new Error('no schema');
    });
    expect(throws({ name: 'read', schema: {} })).toBeUndefined();
    expect(digestsBySchema(() => ({ made: () => 1 }))({ name: 'read', schema: {} })).toBeUndefined();
    expect(pinnable([['read', 'aa'] as const, ['other', undefined] as const])).toEqual({ read: 'aa' });
  });

  it('[CAP-TOOL-DIGEST] wait for a schema that has to be loaded, once', async () => {
    const { digests, written } = counted(() => Promise.resolve(json));
    const tool = { name: 'read', schema: {} };
    const digest = toolDigest({ name: 'read', description: '', inputSchema: json });
    expect(await digests(tool)).toBe(digest);
    expect(digests(tool)).toBe(digest);
    expect(written).toHaveLength(1);
    for (const written of [Promise.reject(new Error('gone')), Promise.resolve(() => 1)])
      expect(await digestsBySchema(() => written as Promise<unknown>)({ name: 'read', schema: {} })).toBeUndefined();
  });
});
