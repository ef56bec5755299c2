/** The callee's end of a stream: in order, never more than the caller has room for (docs/spec/07 §11). @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { ChunkHash } from '../receipt/result-commitment.ts';
import { chunkWindow, maxChunkBytes, maxChunks } from './bounds.ts';
import { copyRemoteValue, type RemoteValue } from './remote-value.ts';

export type ChunkWire = (chunk: { readonly index: number; readonly value: JsonValue }) => Promise<void>;

export class ChunkSender {
  readonly hash: ChunkHash = new ChunkHash();
  bytes = 0;
  readonly #send: ChunkWire;
  #upTo = chunkWindow;
  #wake: () => void = () => undefined;
  #sending: Promise<void>[] = [];

  constructor(send: ChunkWire) {
    this.#send = send;
  }

  /** The caller has room for chunks below this index. It never takes room back. */
  credit(upTo: number): void {
    this.#upTo = Math.max(this.#upTo, Math.min(upTo, this.hash.count + chunkWindow));
    this.#wake();
  }

  /** Sends all of it; what the tool throws passes through. @throws {@link RemoteError} `TALOS_REMOTE_TOO_LARGE`, or the signal's reason. */
  async sendAll(chunks: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      const { json: value, bytes } = plainChunk(chunk);
      await this.#room(signal);
      const index = this.hash.count;
      if (index >= maxChunks) throw tooLarge(`a stream has at most ${maxChunks} chunks`);
      this.hash.add(value);
      this.bytes += bytes;
      const sent = this.#send({ index, value });
      // Awaited later; until then a failure must not count as unhandled.
      sent.catch(() => undefined);
      this.#sending.push(sent);
    }
    await Promise.all(this.#sending);
  }

  /** What is on its way is finished before an outcome that counts it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#sending);
  }

  async #room(signal: AbortSignal): Promise<void> {
    if (this.hash.count < this.#upTo) return;
    await Promise.all(this.#sending);
    this.#sending = [];
    while (this.hash.count >= this.#upTo) {
      await this.#woken(signal);
      signal.throwIfAborted();
    }
  }

  async #woken(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    let wake = (): void => undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      this.#wake = resolve;
      signal.addEventListener('abort', resolve);
    });
    signal.removeEventListener('abort', wake);
  }
}

function plainChunk(chunk: unknown): RemoteValue {
  const value = copyRemoteValue(chunk, 'a chunk of the stream');
  if (value.bytes > maxChunkBytes) throw tooLarge(`a chunk has at most ${maxChunkBytes} bytes`);
  return value;
}

function tooLarge(message: string): RemoteError {
  return new RemoteError({ code: 'TALOS_REMOTE_TOO_LARGE', message });
}
