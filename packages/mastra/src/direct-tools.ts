/** Which tools a direct route may reach. Whatever cannot be looked up is not guarded. @module */
import { isGuarded } from './guard-execute.ts';
import type { DirectRoute } from './direct-route.ts';

type ToolRecord = { readonly [key: string]: unknown };
type AgentLike = { readonly listTools?: (options: { readonly requestContext: unknown }) => unknown; readonly listAgents?: () => unknown };
type MastraLike = { readonly listTools?: () => unknown; readonly listAgents?: () => unknown; readonly getEditor?: () => unknown };

export type ServerParts = { readonly mastra: unknown; readonly registeredTools: unknown; readonly requestContext: unknown };

/**
 * True only if every tool that the route could mean is guarded, and there is one. The route finds a tool by id or by key, in this order or
 * another depending on version: with all of them guarded the order does not matter.
 */
export async function isDirectlyReachable(route: DirectRoute, server: ServerParts): Promise<boolean> {
  const records = await reachable(route, server).catch(() => []);
  const meant = records.flatMap((record) => named(record, route.tool));
  return meant.length > 0 && meant.every(isGuarded);
}

async function reachable(route: DirectRoute, { mastra, registeredTools, requestContext }: ServerParts): Promise<readonly ToolRecord[]> {
  const server = (mastra ?? {}) as MastraLike;
  const agents = recordOf(server.listAgents?.());
  const toolsOf = async (agent: unknown): Promise<ToolRecord> => recordOf(await (agent as AgentLike).listTools?.({ requestContext }));
  if (route.owner === 'server') return [recordOf(registeredTools), recordOf(server.listTools?.()), ...(await Promise.all(Object.values(agents).map(toolsOf)))];
  // An MCP server keeps converted tools that no longer show a guard, an editor may change an agent after we looked, and the rest we do not know.
  if (route.owner !== 'agent' || Boolean(server.getEditor?.())) return [];
  // The route falls back to the sub-agents of every agent.
  const below = await Promise.all(Object.values(agents).map(async (agent) => recordOf(await (agent as AgentLike).listAgents?.())));
  return Promise.all([agents, ...below].flatMap((record) => named(record, route.agent)).map(toolsOf));
}

function named(record: ToolRecord, name: string): unknown[] {
  return Object.entries(record).flatMap(([key, value]) => (key === name || idOf(value) === name ? [value] : []));
}

function recordOf(value: unknown): ToolRecord {
  return typeof value === 'object' && value !== null ? (value as ToolRecord) : {};
}

function idOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly id?: unknown }).id : undefined;
}
