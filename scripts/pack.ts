/** Packs the public packages as they would be published. Needs the build. @module */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { publicPackages, repositoryRoot } from './repository-root.ts';
import { must } from './run.ts';

export type Tarball = { readonly name: string; readonly path: string };

export async function packAll(destination: string): Promise<readonly Tarball[]> {
  return Promise.all(
    publicPackages.map(async (name) => {
      const folder = join(destination, name);
      await must('pnpm', ['pack', '--pack-destination', folder], { cwd: join(repositoryRoot, 'packages', name) });
      const tarball = readdirSync(folder).find((file) => file.endsWith('.tgz'));
      if (tarball === undefined) throw new Error(`${name} gave no tarball`);
      return { name: `@talosprotocol/${name}`, path: join(folder, tarball) };
    }),
  );
}
