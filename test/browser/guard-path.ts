/** What an agent in a browser imports to guard its tools and record what they did: nothing else may come with it. @module */
export { systemEnv } from '@talosprotocol/core';
export { memoryAuditStore, openAuditWriter } from '@talosprotocol/core/audit';
export { admit, didKeys, inProcessAudience } from '@talosprotocol/core/capability';
export { createGuard } from '@talosprotocol/core/guard';
export { formatAgentId, generateSigner } from '@talosprotocol/core/identity';
