import { talosProject } from '../../vitest.shared.ts';

export default talosProject('openai-agents');
