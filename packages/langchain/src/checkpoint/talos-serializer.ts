/** Checkpoints of a graph, sealed before a checkpointer stores them. @module */
import { EncodingError } from '@talosprotocol/core/errors';
import { atRestSeal, type AtRestSeal } from '@talosprotocol/core/seal';
import { MemorySaver, type SerializerProtocol } from '@langchain/langgraph-checkpoint';

export type TalosSerializerOptions = {
  /** 32 random bytes, copied. Whoever has it reads every checkpoint; without it none can be read again. */
  readonly key: Uint8Array;
  /** Turns values into bytes before they are sealed. Default: LangGraph's own. */
  readonly serializer?: SerializerProtocol;
};

/** Associated data. A serializer is not told which thread or checkpoint it works for, so neither can be bound. */
const place = 'langgraph checkpoint';

/**
 * `new MemorySaver(new TalosSerializer({ key }))`, and so any checkpointer that takes a serializer. What it stores is JSON of one member, so
 * that a checkpointer which keeps JSON keeps it too. What was stored in clear before does not open.
 *
 * It hides content and shows changes of it. It does not hide how many checkpoints there are, of which thread, when and how long; a
 * store can drop a checkpoint, or put one in the place of another that was sealed under the same key.
 */
export class TalosSerializer implements SerializerProtocol {
  readonly #seal: AtRestSeal;
  readonly #inner: SerializerProtocol;

  /** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for a key that has not 32 bytes. */
  constructor({ key, serializer = new MemorySaver().serde }: TalosSerializerOptions) {
    this.#seal = atRestSeal(key);
    this.#inner = serializer;
  }

  async dumpsTyped(data: unknown): Promise<[string, Uint8Array]> {
    const [type, bytes] = await this.#inner.dumpsTyped(data);
    const name = new TextEncoder().encode(type);
    const plaintext = new Uint8Array(1 + name.length + bytes.length);
    plaintext.set([name.length]);
    plaintext.set(name, 1);
    plaintext.set(bytes, 1 + name.length);
    return ['json', new TextEncoder().encode(JSON.stringify({ talos_sealed: this.#seal.sealText(place, plaintext) }))];
  }

  /** @throws {@link EncodingError} `TALOS_ENCODING_JSON` for what was not sealed; {@link CryptoError} `TALOS_CRYPTO_OPEN` for another key, or a change. */
  async loadsTyped(_type: string, data: Uint8Array | string): Promise<unknown> {
    const plaintext = this.#seal.openText(place, sealedIn(typeof data === 'string' ? data : new TextDecoder().decode(data)));
    const start = 1 + (plaintext[0] ?? 0);
    return this.#inner.loadsTyped(new TextDecoder().decode(plaintext.subarray(1, start)), plaintext.subarray(start)) as Promise<unknown>;
  }
}

function sealedIn(text: string): string {
  try {
    const sealed: unknown = (JSON.parse(text) as { readonly talos_sealed?: unknown }).talos_sealed;
    if (typeof sealed === 'string') return sealed;
  } catch {
    // Answered below, like JSON of another shape.
  }
  throw new EncodingError({ code: 'TALOS_ENCODING_JSON', message: 'a checkpoint is not sealed: it was stored before the serializer was, or by another' });
}
