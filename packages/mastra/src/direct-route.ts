/**
 * Which paths execute a tool without an agent: `…/tools/:id/execute`, under any prefix, below an agent or an MCP server or not.
 * The attacker's way in is a path that the router takes for one of them and this file does not, so the literals are matched
 * more generously than any router does: decoded again, in any case, with empty segments dropped.
 * @module
 */

export type DirectRoute =
  | { readonly owner: 'server' | 'mcp' | 'other'; readonly tool: string }
  | { readonly owner: 'agent'; readonly agent: string; readonly tool: string };

/** A router decodes once; twice more costs nothing and leaves no nesting to hide a literal in. */
const maxDecodings = 3;

/** @param path - As the router saw it, slashes inside a segment still encoded. */
export function directRoute(path: string): DirectRoute | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (literal(segments.at(-1)) !== 'execute' || literal(segments.at(-3)) !== 'tools') return undefined;
  const tool = decoded(segments.at(-2) ?? '');
  const [kind, id] = [literal(segments.at(-5)), segments.at(-4)];
  if (kind === 'agents' && id !== undefined) return { owner: 'agent', agent: decoded(id), tool };
  const above = segments.slice(0, -3).map(literal);
  if (above.includes('mcp')) return { owner: 'mcp', tool };
  return above.includes('agents') ? { owner: 'other', tool } : { owner: 'server', tool };
}

function literal(segment: string | undefined): string | undefined {
  let text = segment;
  for (let i = 0; i < maxDecodings && text !== undefined; i++) text = decoded(text);
  return text?.toLowerCase();
}

/** As the router decodes a parameter: what cannot be decoded stays. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
