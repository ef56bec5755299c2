/** What an adapter brings to the suite: its framework's real loop under a model that follows a script. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { ObserveOptions } from '../capability/observe.ts';
import type { TalosClient } from '../client/talos-client.ts';
import type { Spans } from '../guard/traced-guard.ts';
import type { AgentId } from '../identity/agent-id.ts';

/** `signal`: the tool's own abort option, as the framework hands it to a tool; undefined where it handed none. */
export type AdapterToolContext = { readonly signal: AbortSignal | undefined };

/** What a tool gets. */
export type AdapterArgs = { readonly [argument: string]: string };

type ToolBody =
  | { readonly run: (input: AdapterArgs, context: AdapterToolContext) => JsonValue | Promise<JsonValue>; readonly generate?: undefined }
  /** A tool that streams. The harness writes it in the form its framework streams; what it returns is the tool's result. */
  | { readonly generate: (input: AdapterArgs, context: AdapterToolContext) => AsyncGenerator<JsonValue, JsonValue>; readonly run?: undefined };

/** A tool, to be made with the framework's own constructor. Each argument is a required string; other arguments are let through or stripped by the framework. */
export type AdapterTool = ToolBody & { readonly name: string; readonly description: string; readonly args: readonly string[] };

/** A call that the scripted model makes. */
export type AdapterCall = { readonly tool: string; readonly args: JsonObject; readonly id: string };

export type AdapterMode = 'generate' | 'stream';

export type AdapterRun<Guard> = {
  /** In front of every tool, in this order. Empty: the tools as they are, to compare with. */
  readonly guards: readonly Guard[];
  readonly tools: readonly AdapterTool[];
  /** What the model says, turn by turn: the calls of a turn are made at once, and after the last turn it says "done". */
  readonly turns: readonly (readonly AdapterCall[])[];
  readonly mode: AdapterMode;
  /** The name the framework knows the agent by. */
  readonly agentName: string;
  readonly signal?: AbortSignal;
};

/** An agent with tools of another one: `offered` of what `peer` serves, by the right that the one guard holds. */
export type RemoteRun<Guard> = AdapterRun<Guard> & { readonly peer: AgentId; readonly offered: readonly string[] };

/** What came of a run. */
export type AdapterOutcome = {
  /** What the model was sent in answer to each call, by the call's id, as text: a result, an error or a refusal, in the framework's own words. */
  readonly answers: { readonly [callId: string]: string };
  /** What a consumer of the run saw a streaming tool yield, by call id. Nothing in a framework that does not stream tools. */
  readonly chunks: { readonly [callId: string]: readonly JsonValue[] };
  /** The model's last words. */
  readonly text: string;
};

export type AdapterGuardOptions = { readonly client: TalosClient; readonly capability: string; readonly observe?: ObserveOptions; readonly spans?: Spans };

export interface AdapterHarness<Guard> {
  /** What the adapter writes into the `framework` member of its entries. */
  readonly framework: string;
  /** How its agents are run. Every case is run in each mode. */
  readonly modes: readonly AdapterMode[];
  /** The adapter's own `talosGuard`. */
  guard(options: AdapterGuardOptions): Guard;
  /**
   * Makes the tools, guards them, makes an agent over a scripted model and runs it through the framework's own loop.
   * Rejects where the framework does. A tool of a run may run a harness again: that is a sub-agent.
   */
  run(run: AdapterRun<Guard>): Promise<AdapterOutcome>;
  /** The digest that the adapter would have a developer pin of this tool, hexadecimal (`tool_digest` of a grant). */
  digest(tool: AdapterTool): Promise<string>;
  /** Like `run`, with tools of another agent beside its own: their calls travel sealed. Absent only where `cannot` says why. */
  remote?(run: RemoteRun<Guard>): Promise<AdapterOutcome>;
  /** Cases that this framework cannot express, each with the reason. A case is never left out in silence. */
  readonly cannot?: { readonly [name: string]: string };
}
