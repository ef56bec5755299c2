import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/bytes/json-value.ts';
import { allowsArgs } from '../../../src/capability/allows-args.ts';
import { compileArgs, compileScope } from '../../../src/capability/compile-constraint.ts';
import type { Constraint, ToolArgs } from '../../../src/capability/index.ts';
import { allKinds } from '../../../src/capability/rare-kinds.ts';
import { isArgsInside, isConstraintInside } from '../../../src/capability/subsumption/constraint.ts';
import { isToolInside } from '../../../src/capability/subsumption/tool-pattern.ts';
import { compileToolPattern, isToolName } from '../../../src/capability/tool-name.ts';
import { constraint, rules, value, values } from './pool.ts';

const seed = 20260101;
const deep = process.env['TALOS_DEEP'] === '1';
const numRuns = deep ? 100_000 : 10_000;

const allower = (args: ToolArgs): ((input: JsonObject) => boolean) => {
  const compiled = compileArgs(args as unknown as JsonObject, compileScope(allKinds));
  return (input) => allowsArgs(compiled, input);
};

describe('child allows, so parent allows', () => {
  it('[CAP-NARROWS] for every pair of rules, required and optional, and every value', () => {
    const constraints: readonly Constraint[] = ['any', ...rules, ...rules.map((rule) => ({ ...rule, optional: true as const }))];
    const allowed = constraints.map((rule) => {
      const allows = allower({ v: rule });
      return [...values.map((v) => allows({ v })), allows({})];
    });
    let proved = 0;
    let missed = 0;
    const wrong: string[] = [];
    constraints.forEach((child, c) => {
      constraints.forEach((parent, p) => {
        const counter = allowed[c]!.findIndex((allows, i) => allows && !allowed[p]![i]);
        if (!isConstraintInside(child, parent)) {
          if (counter === -1) missed++;
          return;
        }
        proved++;
        if (counter !== -1) wrong.push(JSON.stringify([child, parent, values[counter] ?? 'left out']));
      });
    });
    expect(wrong).toEqual([]);
    // Nothing is worth having that is never proved: what the values do not tell apart is mostly what the table decides.
    expect({ proved: proved > 2000, missed: missed < proved }).toEqual({ proved: true, missed: true });
  });

  it('[CAP-NARROWS] a constraint is inside itself', () => {
    for (const rule of rules)
      for (const same of [rule, { ...rule, optional: true as const }]) expect([same, isConstraintInside(same, same)]).toEqual([same, true]);
  });

  it(`[CAP-NARROWS] for ${numRuns} random parents, children and calls`, () => {
    const name = fc.constantFrom('a', 'b', '__proto__');
    const args = fc
      .record({ named: fc.array(fc.tuple(name, constraint), { maxLength: 3 }), open: fc.boolean() })
      .map(({ named, open }) => Object.fromEntries([...named, ...(open ? [['*', 'any'] as const] : [])]) as ToolArgs);
    const narrowed = fc
      .record({ parent: args, changes: fc.array(fc.tuple(name, constraint), { maxLength: 1 }), close: fc.boolean() })
      .map(({ parent, changes, close }) => ({
        parent,
        child: Object.fromEntries(Object.entries({ ...parent, ...Object.fromEntries(changes) }).filter(([key]) => !(close && key === '*'))) as ToolArgs,
      }));
    const input = fc
      .array(fc.tuple(fc.oneof(name, fc.constant('c')), value), { maxLength: 3 })
      .map((entries) => Object.fromEntries(entries) as { [key: string]: JsonValue });
    const tally = { decided: 0, allowed: 0 };
    fc.assert(
      fc.property(
        fc.oneof(fc.record({ parent: args, child: args }), narrowed),
        fc.array(input, { minLength: 8, maxLength: 8 }),
        ({ parent, child }, inputs) => {
          if (!isArgsInside(child, parent)) return;
          tally.decided++;
          const [byChild, byParent] = [allower(child), allower(parent)];
          for (const call of inputs) {
            if (!byChild(call)) continue;
            tally.allowed++;
            expect(byParent(call)).toBe(true);
          }
        },
      ),
      { seed, numRuns },
    );
    expect(tally.decided).toBeGreaterThan(numRuns / 10);
    expect(tally.allowed).toBeGreaterThan(numRuns / 50);
  });
});

describe('tools', () => {
  it('[CAP-NARROWS] every tool of an inner pattern is one of the outer', () => {
    const segment = fc.constantFrom('a', 'b', '*');
    const pattern = fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([segments, rest]) => [...segments, ...(rest ? ['**'] : [])].join('/'));
    const tool = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'));
    const matches = (text: string): ((name: string) => boolean) => (isToolName(text) ? (name) => name === text : compileToolPattern(text)!);
    let proved = 0;
    fc.assert(
      fc.property(pattern, pattern, fc.array(tool, { minLength: 10, maxLength: 10 }), (child, parent, tools) => {
        if (!isToolInside(child, parent)) return;
        proved++;
        for (const name of tools) if (matches(child)(name)) expect([child, parent, name, matches(parent)(name)]).toEqual([child, parent, name, true]);
      }),
      { seed, numRuns },
    );
    expect(proved).toBeGreaterThan(numRuns / 20);
  });

  it.each([
    ['a', 'a', true],
    ['a', '*', true],
    ['*', 'a', false],
    ['a/b', 'a/*', true],
    ['a/b/c', 'a/*', false],
    ['a/b/c', 'a/**', true],
    ['a/**', 'a/**', true],
    ['a/**', 'a/*', false],
    ['a/*', 'a/**', true],
    ['a/*/**', 'a/**', true],
    ['a/**', 'a/*/**', false],
    ['a', 'a/**', false],
    ['**', '**', true],
    ['**', '*', false],
  ])('[CAP-NARROWS] %s inside %s: %s', (child, parent, inside) => {
    expect(isToolInside(child, parent)).toBe(inside);
  });
});
