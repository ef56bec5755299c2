import { assertType, expectTypeOf, it } from 'vitest';
import {
  absent,
  any,
  anyArgs,
  anyOf,
  authorize,
  cidr,
  each,
  email,
  eq,
  glob,
  keys,
  len,
  noneOf,
  ofType,
  oneOf,
  optional,
  prefix,
  range,
  reserve,
  size,
  subpath,
  suffix,
  toolGrants,
  url,
  type CapabilityHandle,
  type Constraint,
  type Denial,
  type DenialCode,
  type Grant,
  type ToolArgs,
  type ToolGrant,
} from '../../src/capability/index.ts';

it('[CAP-BUILDERS] the product example type-checks', () => {
  const grants = toolGrants({
    search: anyArgs(),
    send_mail: { to: email({ domains: ['acme.com'] }), subject: len({ max: 120 }), body: any(), cc: optional(any()) },
    query_db: { sql: any(), limit: range({ max: 100 }), price: range({ max: '19.99' }), currency: oneOf(['EUR']), path: subpath('docs'), on: eq({ a: [1] }) },
  });
  expectTypeOf(grants).toEqualTypeOf<ToolGrant[]>();
});

it('[CAP-BUILDERS] so does the whole vocabulary', () => {
  const args: ToolArgs = {
    env: noneOf(['prod']),
    name: prefix('acme-'),
    file: suffix('.pdf'),
    key: glob('reports/*'),
    page: url({ hosts: ['*.acme.com'], no_private: true }),
    address: cidr('10.0.0.0/8'),
    count: ofType('integer', 'null'),
    list: each(len({ max: 3 })),
    few: size({ max: 3 }),
    bcc: absent(),
    to: keys({ city: any(), zip: optional(len({ max: 5 })) }),
    amount: anyOf([range({ max: 10 }), oneOf(['none'])]),
    night: { ...len({ max: 1 }), ...prefix('a') },
  };
  expectTypeOf(toolGrants({ all: args })).toEqualTypeOf<ToolGrant[]>();
});

it('[CAP-BUILDERS] what is no constraint does not', () => {
  // @ts-expect-error no JSON type
  ofType('date');
  // @ts-expect-error a scheme of its own is a list
  url({ schemes: 'https' });
  // @ts-expect-error members are constraints
  keys({ city: 'Bonn' });
  // @ts-expect-error alternatives are rules, and any value is no alternative
  anyOf([any()]);
  // @ts-expect-error a misspelt kind
  assertType<Constraint>({ notIn: ['a'] });
  // @ts-expect-error an unknown constraint
  assertType<Constraint>({ regex: '.*' });
  // @ts-expect-error a list of domains, not one
  email({ domains: 'acme.com' });
  // @ts-expect-error bounds of two types
  range({ min: 0, max: '1' });
  // @ts-expect-error a file system we do not know
  subpath({ root: 'docs', os: 'vms' });
  // @ts-expect-error not JSON
  eq(() => 1);
});

it('[CAP-GRANT] a grant, a permit and a handle cannot be written down', async () => {
  const made = { tool: 'search', cap: 'x', grant: 0 };
  // @ts-expect-error the brand is not exported
  assertType<Grant>(made);
  // @ts-expect-error a handle has a private field
  assertType<CapabilityHandle>({ claims: {}, cap: 'x' });
  const permit = authorize({} as CapabilityHandle, { tool: 'search', input: {} });
  // @ts-expect-error a refusal cannot be reserved
  await reserve(permit);
  if (!permit.denied) expectTypeOf(await reserve(permit)).toEqualTypeOf<Grant | { readonly denied: Denial }>();
});

it('[CAP-DENIAL-CODES] codes are a closed union', () => {
  expectTypeOf<DenialCode>().not.toBeAny();
  // @ts-expect-error no such code
  assertType<DenialCode>('NOPE');
});
