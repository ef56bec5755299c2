/** A peer's agent as a sub-agent: prompt and answer travel sealed, under a capability, and leave a receipt in both logs. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { PeerAnswer, peerTools, PeerTool, PeerToolsSource } from '@talosprotocol/core/remote';
import type { convertMessages, MessageList, SubAgent } from '@mastra/core/agent';

type Peer = Parameters<typeof peerTools>[1];
type Messages = Parameters<SubAgent['generate']>[0];
/** Loaded with the first sub-agent: it is most of the framework. */
type Framework = { readonly convertMessages: typeof convertMessages; readonly MessageList: typeof MessageList };

export type SubAgentOptions = {
  /** The tool by which the peer serves its agent. It takes `{ prompt }`, and `{ prompt, instructions }` where the agent above gives some, and answers with text. */
  readonly tool: string;
  /** For Mastra. Default: the tool's name. */
  readonly id?: string;
  /** What the agent above is told. Default: what the peer says of its tool. */
  readonly description?: string;
};

/** For `agents` of an agent's config. The capability has to be granted for the peer (`at`). @throws as `remote()`. */
export type GuardSubAgent = (peer: Peer, options: SubAgentOptions) => Promise<SubAgent>;

type RunOptions = {
  readonly runId?: string;
  readonly instructions?: unknown;
  readonly abortSignal?: AbortSignal;
  readonly memory?: { readonly thread?: string | { readonly id: string }; readonly resource?: string };
};

/** Decides nothing: the peer's guard does, and the guard of the agent above about `agent-<key>`. */
export function guardSubAgent(source: PeerToolsSource): GuardSubAgent {
  return async (peer, { tool: name, id = name, description }) => {
    const [remote, framework] = await Promise.all([import('@talosprotocol/core/remote'), import('@mastra/core/agent')]);
    const [tool] = await remote.peerTools(source, peer, [name]);
    if (tool === undefined) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'subAgent() takes the name of a tool of the peer' });
    return subAgentOf(framework, { tool, id, description: description ?? tool.description });
  };
}

type Asked = { readonly tool: PeerTool; readonly id: string; readonly description: string };

function subAgentOf(framework: Framework, { tool, id, description }: Asked): SubAgent {
  const ask = async (messages: Messages, options: RunOptions = {}): Promise<Answer> => {
    const { instructions, abortSignal: signal, runId = crypto.randomUUID() } = options;
    const said = typeof instructions === 'string' && instructions !== '' ? { instructions } : {};
    const answer = await tool.answer({ prompt: promptOf(framework, messages), ...said }, { agentName: id, signal });
    return answerOf(framework, { runId, options, ...toldBy(answer) });
  };
  // The peer's agent waits for its people where it runs: to the one above it ends or fails.
  const resume = (): Promise<never> => Promise.reject(new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a peer’s agent is never suspended here' }));
  return {
    id,
    name: id,
    getDescription: () => description,
    // Only the version is read, to tell the ways of calling a sub-agent apart.
    getModel: () => ({ specificationVersion: 'v2' }) as never,
    getInstructions: () => '',
    // It remembers at the peer, under the peer's names: no memory of this process is put into it.
    hasOwnMemory: () => true,
    __setMemory: () => undefined,
    getMemory: () => undefined,
    generate: async (messages, options) => generated(await ask(messages, options as RunOptions)),
    stream: async (messages, options) => streamed(await ask(messages, options as RunOptions)),
    resumeGenerate: resume,
    resumeStream: resume,
  };
}

type Told = { readonly text: string; readonly finishReason: 'stop' | 'error' };

/** A refusal in the sub-agent's words: what is thrown Mastra hides from the model. */
function toldBy({ value, refused }: PeerAnswer): Told {
  return { text: typeof value === 'string' ? value : JSON.stringify(value ?? ''), finishReason: refused ? 'error' : 'stop' };
}

/** What the agent above asks now. Its conversation so far stays here. */
function promptOf(framework: Framework, messages: Messages): string {
  if (typeof messages === 'string') return messages;
  const asked = framework.convertMessages(messages).to('AIV5.Model');
  return asked
    .filter(({ role }) => role === 'user')
    .map(({ content }) => (typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n')))
    .join('\n\n');
}

type Answer = Told & { readonly runId: string; readonly messageList: MessageList };

function answerOf({ MessageList: List }: Framework, { options, ...answer }: Omit<Answer, 'messageList'> & { readonly options: RunOptions }): Answer {
  const { thread, resource } = options.memory ?? {};
  const threadId = typeof thread === 'object' ? thread.id : thread;
  const messageList = new List({ ...(threadId === undefined ? {} : { threadId }), ...(resource === undefined ? {} : { resourceId: resource }) });
  return { ...answer, messageList: messageList.add({ role: 'assistant', content: answer.text }, 'response') };
}

const usage = { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined };

function generated({ messageList, ...answer }: Answer): Awaited<ReturnType<SubAgent['generate']>> {
  return { ...answer, usage, toolResults: [], response: { dbMessages: messageList.get.response.db() } } as never;
}

/** The answer comes whole: it is signed as one. */
function streamed({ runId, text, finishReason, messageList }: Answer): Awaited<ReturnType<SubAgent['stream']>> {
  const [id, from] = [crypto.randomUUID(), 'AGENT'];
  const parts = [
    { type: 'text-start', payload: { id } },
    { type: 'text-delta', payload: { id, text } },
    { type: 'text-end', payload: { id } },
  ];
  return {
    runId,
    fullStream: ReadableStream.from(parts.map((part) => ({ ...part, runId, from }))),
    text: Promise.resolve(text),
    finishReason: Promise.resolve(finishReason),
    usage: Promise.resolve(usage),
    toolResults: [],
    messageList,
  } as never;
}
