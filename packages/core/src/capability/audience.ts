/** Where a capability counts (docs/spec/02 §3). @module */
import type { AgentId } from '../identity/agent-id.ts';

/** What the audience of every process begins with. */
export const inProcessPrefix = 'talos:';

/** The audience of a guard that runs in its holder's own process. */
export function inProcessAudience(holder: AgentId): string {
  return `${inProcessPrefix}${holder}`;
}
