/** Bundles a module for the browser, as a user's bundler would: no Node condition, so the portable suite. @module */
import { build, type Plugin } from 'esbuild';

export type BundleOptions = {
  /** By default the sources of this repository; none for what is published. */
  readonly conditions?: readonly string[];
  readonly format?: 'esm' | 'iife';
  /** Leaves out what `import()` loads when it is needed. */
  readonly startOnly?: boolean;
};

/** A chunk of its own in a user's bundle. */
const laterChunks: Plugin = {
  name: 'later-chunks',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) => (kind === 'dynamic-import' ? { path, external: true } : undefined));
  },
};

/** @returns The minified module. Rejects if it reaches for a Node module, which no browser has. */
export async function bundleForBrowser(
  path: string,
  { conditions = ['@talosprotocol/source'], format = 'esm', startOnly = false }: BundleOptions = {},
): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    minify: true,
    write: false,
    format,
    platform: 'browser',
    target: 'es2023',
    conditions: [...conditions],
    legalComments: 'none',
    logLevel: 'silent',
    plugins: startOnly ? [laterChunks] : [],
  });
  return outputFiles[0]!.contents;
}
