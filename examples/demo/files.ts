/** The demo's tools: real ones, on this repository's own files. @module */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';

export const repositoryRoot = path.resolve(import.meta.dirname, '../..');

/** What the tools touched, so that the demo can show that a refused call touched nothing. */
export const touched: string[] = [];

export async function listFiles({ path: folder }: { readonly path: string }): Promise<readonly string[]> {
  const entries = await fs.readdir(resolve(folder), { withFileTypes: true });
  return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).toSorted();
}

export async function readFile({ path: file }: { readonly path: string }): Promise<string> {
  return fs.readFile(resolve(file), 'utf8');
}

/** Lines that hold the text, as `file:line`. */
export async function searchFiles({ path: folder, text }: { readonly path: string; readonly text: string }): Promise<readonly string[]> {
  const files = (await fs.readdir(resolve(folder), { recursive: true })).filter((file) => file.endsWith('.md')).toSorted();
  const found = await Promise.all(
    files.map(async (file) => {
      const lines = (await fs.readFile(path.join(repositoryRoot, folder, file), 'utf8')).split('\n');
      return lines.flatMap((line, index) => (line.includes(text) ? [`${folder}/${file}:${index + 1}`] : []));
    }),
  );
  return found.flat();
}

/** Does what it is told: keeping the agent inside docs/ is not the tool's business here, but the capability's. */
function resolve(file: string): string {
  touched.push(file);
  return path.resolve(repositoryRoot, file);
}
