/** Where the scripts stand, whatever folder they are started from. @module */
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));

/** The packages that are published, in the order of their dependencies. */
export const publicPackages = ['core', 'cose', 'langchain', 'mastra', 'openai-agents', 'postgres', 'relay', 'timestamp', 'vercel-ai'] as const;
