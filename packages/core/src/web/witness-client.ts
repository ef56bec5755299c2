/** A witness over HTTP (c2sp.org/tlog-witness). Needs the platform's own `fetch`: browsers, Node. @module */
import { parseCosignerKey, type CosignerKey } from '../audit/cosignature.ts';
import { formatWitnessRequest, hashOrigin } from '../audit/witness-request.ts';
import type { Witness, WitnessAnswer } from '../audit/witness.ts';
import { TransportError } from '../errors/transport-error.ts';
import { UsageError } from '../errors/usage-error.ts';

export type HttpWitnessOptions = {
  /** Submission prefix: `https://witness.example`, `add-checkpoint` comes behind it. */
  readonly url: string;
  /** Where its checkpoints are read. Default: `url`. */
  readonly monitorUrl?: string;
  /** `name+hash+keydata` of type 0x04, as the reader trusts it, or parsed. */
  readonly key: string | CosignerKey;
  /** Allows `http:` to another host than this one. Who sits on the wire can withhold cosignatures; it can make none. */
  readonly unsafeCleartext?: boolean;
  /** Longest time of one request, 100 to 120,000. Default 15,000. */
  readonly timeoutMs?: number;
};

/** A checkpoint with the signatures of many witnesses; a size is 20 bytes. */
const maxAnswerBytes = 64 * 1024;
const defaultTimeoutMs = 15_000;

/** @throws {@link UsageError} `TALOS_USAGE_OPTIONS` on an address that is none or is not encrypted; {@link AuditError} on a key that is none. */
export function httpWitness(options: HttpWitnessOptions): Witness {
  const { timeoutMs = defaultTimeoutMs, unsafeCleartext } = options;
  const key = typeof options.key === 'string' ? parseCosignerKey(options.key) : options.key;
  const submission = prefixOf(options.url, unsafeCleartext);
  const monitor = prefixOf(options.monitorUrl ?? options.url, unsafeCleartext);
  if (!Number.isSafeInteger(timeoutMs) || timeoutMs < 100 || timeoutMs > 120_000) throw badOptions('timeoutMs must be 100 to 120,000');
  return {
    key,
    async addCheckpoint(request) {
      const body = formatWitnessRequest(request);
      return readAnswer(await ask(`${submission}/add-checkpoint`, { method: 'POST', body, timeoutMs }));
    },
    async latest(origin) {
      const { status, text } = await ask(`${monitor}/${hashOrigin(origin)}/checkpoint`, { method: 'GET', timeoutMs });
      if (status === 404) return undefined;
      if (status !== 200) throw refused(status);
      return text;
    },
  };
}

type Answer = { readonly status: number; readonly type: string; readonly text: string };
type Question = { readonly method: 'GET' | 'POST'; readonly body?: string; readonly timeoutMs: number };

function readAnswer({ status, type, text }: Answer): WitnessAnswer {
  if (status === 200) return { cosignatures: text };
  // 409 with another type: the same size, another root.
  if (status === 409 && type.split(';')[0]?.trim() === 'text/x.tlog.size') {
    const size = /^(0|[1-9]\d{0,15})\n$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(size)) return { knownSize: size };
    throw new TransportError({ code: 'TALOS_TRANSPORT_PROTOCOL', message: 'the witness told a size that is none', retryable: true });
  }
  throw refused(status);
}

async function ask(url: string, { method, body, timeoutMs }: Question): Promise<Answer> {
  let response: Response;
  try {
    // A redirect could lead to a host that was not allowed.
    const signal = AbortSignal.timeout(timeoutMs);
    response = await fetch(url, {
      method,
      redirect: 'error',
      signal,
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    });
    return { status: response.status, type: response.headers.get('content-type') ?? '', text: await readBounded(response) };
  } catch (cause) {
    if (TransportError.isInstance(cause)) throw cause;
    throw new TransportError({ code: 'TALOS_TRANSPORT_UNREACHABLE', message: 'the witness cannot be reached', cause, retryable: true });
  }
}

async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let [text, length] = ['', 0];
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxAnswerBytes)
      throw new TransportError({ code: 'TALOS_TRANSPORT_PROTOCOL', message: `the witness answered with more than ${maxAnswerBytes} bytes`, retryable: true });
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const reasons: Readonly<Record<number, string>> = {
  400: 'it did not understand',
  403: 'it does not trust the key that signed this log',
  404: 'it does not know this log: give its operator the verifier key',
  409: 'it cosigned another tree of this size',
  422: 'the consistency proof does not lead from what it cosigned to this checkpoint',
  429: 'it was asked too often',
};

function refused(status: number): TransportError {
  const retryable = status === 429 || status >= 500;
  return new TransportError({
    code: 'TALOS_TRANSPORT_REFUSED',
    message: `the witness refused (${status}): ${reasons[status] ?? 'no reason is known'}`,
    retryable,
  });
}

function prefixOf(url: string, unsafeCleartext: boolean | undefined): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol) || parsed.search !== '' || parsed.hash !== '')
    throw badOptions('url must be the https:// prefix of the witness, without query');
  // RFC 6761 §6.3 and the loopback block.
  const isThisHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(parsed.hostname);
  if (parsed.protocol === 'http:' && !isThisHost && unsafeCleartext !== true) throw badOptions('the address of a witness must be https://');
  return parsed.href.replace(/\/+$/, '');
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
