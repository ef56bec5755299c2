/** What a framework lets one hook into, read from its own types: a version with one more fails a test, and somebody looks. @module */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';

export type Surface = {
  /** Where the framework is looked for: `import.meta.url` of the test. */
  readonly from: string;
  readonly module: string;
  /** Types whose members are listed, and functions, whose options are. */
  readonly names: readonly string[];
};

/**
 * One line for each member, `name.member`, and one for each value that the module exports. A name that is gone gives `name: gone`.
 * Settings by the hundred change no path to a tool; of those the callers name the types that do.
 */
export function surfaceOf({ from, module, names }: Surface): string {
  const file = declarationsOf(from, module);
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    skipLibCheck: true,
    strict: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const moduleSymbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  if (moduleSymbol === undefined) throw new Error(`${file} is no module`);
  const exported = new Map(checker.getExportsOfModule(moduleSymbol).map((symbol) => [symbol.name, resolved(checker, symbol)]));
  const members = names.flatMap((name) => membersOf(checker, exported.get(name)).map((member) => `${name}${member}`));
  const values = [...exported].filter(([, { flags }]) => (flags & ts.SymbolFlags.Value) !== 0).map(([name]) => `export ${name}`);
  return [`# ${module}`, ...members.toSorted(), ...values.toSorted(), ''].join('\n');
}

function resolved(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
}

function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol | undefined): readonly string[] {
  if (symbol === undefined) return [': gone'];
  const types = isFunction(symbol) ? optionsOf(checker, symbol) : [checker.getDeclaredTypeOfSymbol(symbol)];
  const parts = types.flatMap((type) => (type.isUnion() ? type.types : [type]));
  return [...new Set(parts.flatMap((part) => checker.getPropertiesOfType(part).map(({ name }) => `.${name}`)))];
}

function isFunction({ flags }: ts.Symbol): boolean {
  return (flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Variable)) !== 0;
}

/** The types of a function's first parameter, over all overloads. */
function optionsOf(checker: ts.TypeChecker, symbol: ts.Symbol): readonly ts.Type[] {
  return checker
    .getTypeOfSymbol(symbol)
    .getCallSignatures()
    .flatMap(({ parameters }) => parameters.slice(0, 1).map((parameter) => checker.getTypeOfSymbol(parameter)));
}

type Manifest = { readonly types?: string; readonly exports?: Record<string, unknown> };

function declarationsOf(from: string, module: string): string {
  const [scope = '', ...rest] = module.split('/');
  const name = scope.startsWith('@') ? `${scope}/${rest.shift() ?? ''}` : scope;
  const subpath = rest.length === 0 ? '.' : `./${rest.join('/')}`;
  const require = createRequire(from);
  const root = require.resolve
    .paths(name)
    ?.map((path) => join(path, name))
    .find((path) => existsSync(join(path, 'package.json')));
  if (root === undefined) throw new Error(`${name} is not installed`);
  const manifest = require(join(root, 'package.json')) as Manifest;
  const types = typesIn(manifest.exports?.[subpath]) ?? manifest.types;
  if (types === undefined) throw new Error(`${module} has no types`);
  // By its real place: from there its own dependencies are found.
  return join(realpathSync(root), types);
}

function typesIn(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { types, ...conditions } = entry as Record<string, unknown>;
  return typeof types === 'string'
    ? types
    : (typesIn(types) ??
        Object.values(conditions)
          .map(typesIn)
          .find((found) => found !== undefined));
}
