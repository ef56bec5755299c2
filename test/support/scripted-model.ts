/** A language model of the AI SDK that follows a script. It imports nothing, so that one file serves every version of every framework that takes such a model. @module */

export type ScriptedCall = { readonly name: string; readonly args: unknown; readonly id?: string };

/** What a model was sent: as much of it as tests read. */
export type ModelCall = {
  readonly prompt: readonly { readonly role: string; readonly content: unknown }[];
  readonly tools?: readonly { readonly type: string; readonly name: string }[];
};

type ToolOutput = { readonly type: string; readonly value?: unknown; readonly reason?: string };

export type ScriptedModel<Version extends string> = {
  readonly specificationVersion: Version;
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: Record<string, RegExp[]>;
  /** Every call so far, generated or streamed. */
  readonly calls: ModelCall[];
  // The results are typed by the framework's own version; a test double need not follow each.
  doGenerate(options: unknown): Promise<never>;
  doStream(options: unknown): Promise<never>;
};

/** A model that makes these calls, one array for each turn, and then says "done". A part with a `type` is sent as it is. */
export function scriptedModel<Version extends string>(
  version: Version,
  ...turns: (readonly (ScriptedCall | { readonly type: string })[])[]
): ScriptedModel<Version> {
  const contents = [...turns.map((parts) => parts.map(contentPart)), [{ type: 'text', text: 'done' }]];
  const calls: ModelCall[] = [];
  const next = (options: unknown): readonly object[] => contents[calls.push(options as ModelCall) - 1] ?? [];
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const reason = (content: readonly object[]) => ({ unified: content.some((part) => 'toolCallId' in part) ? 'tool-calls' : 'stop', raw: undefined });
  return {
    specificationVersion: version,
    provider: 'script',
    modelId: 'script',
    supportedUrls: {},
    calls,
    doGenerate: async (options) => {
      const content = next(options);
      return { content, finishReason: reason(content), usage, warnings: [] } as never;
    },
    doStream: async (options) => {
      const content = next(options);
      const parts = content.flatMap((part) => ('text' in part ? textParts(part.text) : [part]));
      const finish = { type: 'finish', finishReason: reason(content), usage };
      return { stream: ReadableStream.from([{ type: 'stream-start', warnings: [] }, ...parts, finish]) } as never;
    },
  };
}

/** What the model was sent last for each tool call, by id. */
export function toolOutputs({ calls }: { readonly calls: readonly ModelCall[] }): Record<string, ToolOutput> {
  const parts = (calls.at(-1)?.prompt ?? []).flatMap(({ role, content }) => (role === 'tool' ? (content as readonly ToolPart[]) : []));
  return Object.fromEntries(parts.flatMap((part) => (part.type === 'tool-result' ? [[part.toolCallId, part.output]] : [])));
}

/** The same as text: a value as JSON, or what was said in its place. */
export function toolAnswers(model: { readonly calls: readonly ModelCall[] }): Record<string, string> {
  const text = ({ value, reason }: ToolOutput): string => (typeof value === 'string' ? value : (reason ?? JSON.stringify(value)));
  return Object.fromEntries(Object.entries(toolOutputs(model)).map(([id, output]) => [id, text(output)]));
}

type ToolPart = { readonly type: string; readonly toolCallId: string; readonly output: ToolOutput };

function contentPart(part: ScriptedCall | { readonly type: string }, index: number): object {
  if ('type' in part) return part;
  return { type: 'tool-call', toolCallId: part.id ?? `call_${index + 1}`, toolName: part.name, input: JSON.stringify(part.args) };
}

function textParts(text: unknown): object[] {
  return [
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta: text },
    { type: 'text-end', id: '1' },
  ];
}
