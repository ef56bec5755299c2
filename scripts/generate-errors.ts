/**
 * Writes docs/errors.md from the two closed unions, or with `--check` fails when the file is older than they are.
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repositoryRoot } from './repository-root.ts';

type Member = { readonly code: string; readonly meaning: string };
type Family = { readonly name: string; readonly doc: string; readonly members: readonly Member[] };

const target = join(repositoryRoot, 'docs/errors.md');
const thrown = families('packages/core/src/errors/codes.ts');
const denials = families('packages/core/src/capability/denial.ts');
const page = [
  '# Errors and denials',
  '',
  'Generated from the two closed unions of the code by `pnpm fix`; edit the line above the code, not this page.',
  '',
  '## Thrown codes',
  '',
  'Every error is a `TalosError` with one of these in `code`. Its message names the fix and never holds secrets, plaintext or tool input.',
  '',
  ...thrown.flatMap(section),
  '## Denial codes',
  '',
  'A refused call is a value, not an error: `decision.denial.code` is one of these, and `TalosDeniedError` carries it as `denialCode`.',
  '',
  ...denials.flatMap(section),
]
  .join('\n')
  .trimEnd();

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== `${page}\n`) {
    process.stderr.write('docs/errors.md is older than the codes: run pnpm fix\n');
    process.exitCode = 1;
  }
} else writeFileSync(target, `${page}\n`);

function families(path: string): Family[] {
  const source = ts.createSourceFile(path, readFileSync(join(repositoryRoot, path), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = source.statements.filter(ts.isTypeAliasDeclaration).flatMap((alias) => {
    const types = ts.isUnionTypeNode(alias.type) ? [...alias.type.types] : [alias.type];
    if (!types.every((type) => ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal))) return [];
    const doc = comment(source.text.slice(alias.getFullStart(), alias.getStart()));
    return [{ name: alias.name.text, doc, members: types.map((type, index) => memberOf({ source, alias, type, previous: types[index - 1] })) }];
  });
  if (found.length === 0) throw new Error(`${path} holds no union of codes`);
  return found;
}

function memberOf(at: { source: ts.SourceFile; alias: ts.TypeAliasDeclaration; type: ts.TypeNode; previous: ts.TypeNode | undefined }): Member {
  const { source, alias, type, previous } = at;
  const code = type.getText(source).slice(1, -1);
  const meaning = comment(source.text.slice(previous?.end ?? alias.name.end, type.getStart(source)));
  // A union of one has no line of its own: the line above the type speaks for it.
  const fallback = meaning === '' && ts.isLiteralTypeNode(alias.type) ? comment(source.text.slice(alias.getFullStart(), alias.getStart())) : meaning;
  if (fallback === '') throw new Error(`${source.fileName}: ${code} has no line that says what it means`);
  return { code, meaning: fallback };
}

/** The text of the last doc comment before a node, on one line. */
function comment(trivia: string): string {
  const last = [...trivia.matchAll(/\/\*\*([\s\S]*?)\*\//g)].at(-1)?.[1] ?? '';
  return last
    .replaceAll(/^\s*\*/gm, ' ')
    .replaceAll(/@module/g, '')
    .replaceAll(/\{@link (\w+)\}/g, '`$1`')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** `SignatureInvalidCode` is headed "Signature invalid". */
function section({ name, doc, members }: Family): string[] {
  const words = name.replace(/(Error)?Code$/, '').replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return [`### ${words}`, '', ...(doc === '' ? [] : [doc, '']), ...table(members)];
}

function table(members: readonly Member[]): string[] {
  return ['| code | meaning |', '| --- | --- |', ...members.map(({ code, meaning }) => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} |`), ''];
}
