/** The front door: `talosGuard({ client, capability })`. @module */
import { UsageError } from '@talosprotocol/core/errors';
import { openGuard, withMethods, type Guard, type GuardSource } from '@talosprotocol/core/guard';
import { handoff as sdkHandoff, type MCPServer, type Model, type tool as sdkTool } from '@openai/agents';
import { guardModel } from './guard-model.ts';
import { defineTool, guardTool, refusalText, type Caller } from './guard-tool.ts';
import { guardRemote, type GuardRemote } from './guard-remote.ts';
import { trackRuns } from './runs.ts';

export type TalosGuardOptions = GuardSource & {
  /** Whether `model()` and `handoff()` put turns and handoffs on record. Default true. */
  readonly turns?: boolean;
};

export interface TalosGuard {
  /** The SDK's `tool()`: the same options and types, with the guard before `execute`. A refusal is the tool's output, as JSON. */
  readonly tool: typeof sdkTool;
  /**
   * Tools that others made, such as `agent.asTool()`: the guard stands before `invoke` and decides on the arguments as the model sent them.
   * @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` for whatever is no function tool: no wrapper can stop what runs at the provider.
   */
  readonly tools: <TOOL extends object>(tools: readonly TOOL[]) => TOOL[];
  /** An MCP server for `mcpServers`: each call by the name that the server gives the tool, when it is made. */
  readonly mcpServer: <SERVER extends MCPServer>(server: SERVER) => SERVER;
  /** The same model without tools that run at its provider, each turn on record before it is handed on: calls, and commitments to what went in and out. */
  readonly model: (model: Model) => Model;
  /** The SDK's `handoff()`, which records the handoff before it happens. It decides nothing: the next agent's tools are guarded as its own. */
  readonly handoff: typeof sdkHandoff;
  /** A peer's tools: `await guard.remote(peerDid, ['render_chart'])`. */
  readonly remote: GuardRemote;
}

/** One guard for one capability. Nothing is awaited here: the token is admitted at the first call. */
export function talosGuard(options: TalosGuardOptions): TalosGuard {
  const { turns = true } = options;
  const guard = openGuard(options);
  const caller: Caller = { guard, runs: trackRuns() };
  return {
    tool: defineTool(caller),
    tools: (tools) => tools.map((tool) => guardTool(caller, tool)),
    mcpServer: (server) => guardServer(guard, server),
    model: (model) => guardModel({ guard, records: turns }, model),
    handoff: turns ? recordedHandoff(caller) : sdkHandoff,
    remote: guardRemote(options, caller.runs),
  };
}

type Text = { readonly type: 'text'; readonly text: string };
type ServerCall = (name: string, args: Record<string, unknown> | null, ...more: unknown[]) => Promise<unknown>;
type Calls = { readonly callTool: ServerCall; readonly callToolResult?: ServerCall };

function guardServer<SERVER extends MCPServer>(guard: Guard, server: SERVER): SERVER {
  if (typeof server?.callTool !== 'function') throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'guard.mcpServer() takes an MCP server.' });
  const given = server as unknown as Required<Calls>;
  const guarded =
    (method: keyof Calls, refused: (content: Text[]) => unknown): ServerCall =>
    async (name, args, ...more) => {
      const call = { tool: name, input: args ?? {}, framework: 'openai-agents' };
      const result = await guard.run(call, (granted) => given[method](name, granted, ...more));
      if (result.status === 'error') throw result.error;
      return result.status === 'denied' ? refused([{ type: 'text', text: refusalText(result.refusal) }]) : result.value;
    };
  const calls: Calls = {
    callTool: guarded('callTool', (content) => content),
    ...('callToolResult' in server && { callToolResult: guarded('callToolResult', (content) => ({ content, isError: true })) }),
  };
  return withMethods(server, calls);
}

function recordedHandoff({ guard, runs }: Caller): typeof sdkHandoff {
  const recorded = (agent: Parameters<typeof sdkHandoff>[0], config: NonNullable<Parameters<typeof sdkHandoff>[1]> = {}) =>
    sdkHandoff(agent, {
      ...config,
      onHandoff: async (runContext, input) => {
        await guard.record({ type: 'handoff', to: agent.name, ...runs.idsOf(runContext), framework: 'openai-agents', input, outcome: 'ok' });
        await config.onHandoff?.(runContext, input);
      },
    });
  return recorded as typeof sdkHandoff;
}
