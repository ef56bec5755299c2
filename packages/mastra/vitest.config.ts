import { talosProject } from '../../vitest.shared.ts';

/** OpenTelemetry's modules for bundlers name their files without endings. */
export default talosProject('mastra', ['module']);
