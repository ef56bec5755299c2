import { describe, expect, it } from 'vitest';
import { caught, entry, freshLog, noServer, open, openStore, sql } from './support.ts';

/** A closed log of 300 entries with a checkpoint in its middle and none at its end. */
async function makeLog(): Promise<string> {
  const name = freshLog();
  const { store, log } = await open(name);
  await Promise.all(Array.from({ length: 150 }, (_, n) => log.append(entry(n))));
  await log.checkpoint();
  await Promise.all(Array.from({ length: 150 }, (_, n) => log.append(entry(150 + n))));
  await store.close();
  return name;
}

const refusals = /^TALOS_(STORE_CORRUPT|AUDIT_DIVERGED|AUDIT_BAD_ENTRY)$/;

describe.skipIf(noServer !== undefined)(`hostile rows${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-HOSTILE-ROWS] changed, removed, exchanged and added rows are found and named', async () => {
    const name = await makeLog();
    const edits: readonly (readonly [string, RegExp])[] = [
      ['UPDATE entry SET body = set_byte(body, 30, get_byte(body, 30) # 4) WHERE i = 200', /CORRUPT/],
      ['UPDATE entry SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1) WHERE i = 200', /CORRUPT/],
      ["UPDATE entry SET hashes = hashes || '\\x00' WHERE i = 200", /CORRUPT/],
      ["UPDATE entry SET hashes = '' WHERE i = 299", /CORRUPT/],
      ['DELETE FROM entry WHERE i = (SELECT max(i) FROM entry)', /CORRUPT/],
      ['DELETE FROM entry WHERE i >= 280; UPDATE head SET size = 280', /DIVERGED/],
      ['DELETE FROM entry WHERE i = 250', /CORRUPT/],
      ['INSERT INTO entry SELECT 100000, hashes, body FROM entry WHERE i = 3', /CORRUPT/],
      ['UPDATE head SET size = size - 1', /CORRUPT/],
      ["UPDATE head SET root = '\\x00'", /CORRUPT/],
      ['UPDATE head SET root = set_byte(root, 3, get_byte(root, 3) # 1)', /DIVERGED/],
      ['UPDATE head SET format = 2', /CORRUPT/],
      ['DELETE FROM head', /CORRUPT/],
      ['DELETE FROM entry; UPDATE head SET size = 0', /DIVERGED/],
      ['UPDATE entry e SET hashes = o.hashes, body = o.body FROM entry o WHERE o.i = 201 AND e.i = 203', /CORRUPT/],
      ["UPDATE checkpoint SET note = convert_to(replace(convert_from(note, 'UTF8'), 'postgres.', 'postgras.'), 'UTF8')", /CORRUPT/],
      ["UPDATE checkpoint SET note = '\\xff'", /CORRUPT/],
      ['UPDATE checkpoint SET size = size + 1', /CORRUPT/],
      ['DROP TABLE checkpoint', /CORRUPT/],
      ['ALTER TABLE entry RENAME COLUMN body TO bodies', /CORRUPT/],
      ['DROP TABLE head', /CORRUPT/],
      ['ALTER TABLE opening SET UNLOGGED', /UNSUPPORTED/],
    ];
    for (const [edit, code] of edits) {
      const copy = freshLog();
      await copySchema(name, copy);
      await sql(`SET search_path = "${copy}"; ${edit}`);
      expect((await caught(() => open(copy))).code, edit).toMatch(code);
    }
  });

  it('[PG-HOSTILE-ROWS] a schema with tables of another program is refused and left alone', async () => {
    const name = freshLog();
    await sql(`CREATE SCHEMA "${name}"; CREATE TABLE "${name}".entry (a integer)`);
    expect(await caught(() => openStore({ log: name }))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await sql(`SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`, [name])).toEqual([{ relname: 'entry' }]);
  });

  it('[PG-HOSTILE-ROWS] an entry before the last checkpoint is checked when it is read or proved', async () => {
    const name = await makeLog();
    await sql(`UPDATE "${name}".entry SET body = set_byte(body, 40, get_byte(body, 40) # 1) WHERE i = 21`);
    const { store, log } = await open(name);
    expect(await caught(() => log.entry(21))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect(await caught(() => log.proveInclusion(21))).toMatchObject({ code: 'TALOS_STORE_CORRUPT' });
    expect((await log.entry(22)).entry['call']).toBe('call-21');
    await store.close();
  });

  it('[PG-HOSTILE-ROWS] flipped bytes anywhere in entries, hashes, head and notes give true answers or a coded error', async () => {
    const name = await makeLog();
    const truth = (await sql(`SELECT encode(body, 'hex') AS body FROM "${name}".entry ORDER BY i`)).map(({ body }) => body);
    const columns = ['entry.body', 'entry.hashes', 'head.root', 'checkpoint.note'].map((column) => column.split('.') as [string, string]);
    const answers = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const copy = freshLog();
      const [table, column] = columns[round % columns.length]!;
      await copySchema(name, copy);
      const row = table === 'entry' ? `WHERE i = ${(round * 7919) % 301}` : '';
      const at = `(${(round * 104_729) % 9973} % length(${column}))`;
      await sql(`UPDATE "${copy}".${table} SET ${column} = set_byte(${column}, ${at}, get_byte(${column}, ${at}) # ${1 << (round % 8)}) ${row}`);
      answers.add(await openOrCode(copy, truth));
    }
    expect(answers.size).toBeGreaterThan(1);
  });
});

/** Either the log opens and all it answers is true, or there is a coded error. */
async function openOrCode(name: string, truth: readonly unknown[]): Promise<string> {
  try {
    const { store, log } = await open(name);
    try {
      for (let i = 0; i < truth.length; i++) {
        const answer = await log.entry(i).then(
          ({ bytes }) => Buffer.from(bytes).toString('hex'),
          (error: { code: string }) => error.code,
        );
        if (answer !== truth[i]) expect(answer).toMatch(refusals);
      }
    } finally {
      await store.close();
    }
    return 'opened';
  } catch (error) {
    expect((error as { code?: string }).code).toMatch(refusals);
    return (error as { code: string }).code;
  }
}

async function copySchema(from: string, to: string): Promise<void> {
  const tables = ['entry', 'head', 'lookup', 'opening', 'checkpoint'];
  const copies = tables.map(
    (table) => `CREATE TABLE "${to}".${table} (LIKE "${from}".${table} INCLUDING ALL); INSERT INTO "${to}".${table} SELECT * FROM "${from}".${table}`,
  );
  await sql(`CREATE SCHEMA "${to}"; ${copies.join(';')}`);
}
