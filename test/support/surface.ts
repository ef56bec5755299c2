/** What a framework lets one hook into, read from its own types: so that a version with one more fails a test and somebody looks. @module */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** Members of these types by the name of the type, sorted; a type that is gone has none. Inherited and combined members count. */
export function membersOf(file: string, types: readonly string[]): Record<string, readonly string[]> {
  const program = ts.createProgram([file], { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, skipLibCheck: true, strict: true });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
  const exported = symbol === undefined ? [] : checker.getExportsOfModule(symbol);
  return Object.fromEntries(types.map((name) => [name, membersOfType(checker, exported.find((candidate) => candidate.name === name))]));
}

function membersOfType(checker: ts.TypeChecker, symbol: ts.Symbol | undefined): readonly string[] {
  if (symbol === undefined) return [];
  const aliased = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  const type = checker.getDeclaredTypeOfSymbol(aliased);
  const parts = type.isUnion() ? type.types : [type];
  return [...new Set(parts.flatMap((part) => checker.getPropertiesOfType(part).map(({ name }) => name)))].toSorted();
}

/** Values that a module exports, by name. */
export async function exportsOf(specifier: string): Promise<readonly string[]> {
  return Object.keys((await import(specifier)) as object).toSorted();
}

export function textOf(file: string): string {
  return readFileSync(file, 'utf8');
}
