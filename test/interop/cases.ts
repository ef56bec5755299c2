/** Both protocols, each with either end opening the session: what is run live, frozen, and run again from the frozen texts. */
import type { Speaker } from './conversation.ts';
import { fixedEnv } from './foreign-ratchet.ts';
import { drawOlmKeys, olmInitiator, olmResponder, type OlmBundle } from './olm.ts';
import { drawSignalKeys, signalInitiator, signalResponder, type SignalBundle } from './signal-v3.ts';

/** Public keys of the foreign end, in hex. */
export type FrozenBundle = Readonly<Record<string, string>>;

export type InteropCase = {
  readonly name: string;
  readonly isOursFirst: boolean;
  readonly knowsPreviousCount: boolean;
  /** Our end, of fixed randomness. `bundle`: the foreign end's, if we open the session. */
  readonly ours: (bundle: FrozenBundle) => Speaker;
};

const bytes = (text: string | undefined) => new Uint8Array(Buffer.from(text ?? '', 'hex'));

export const interopCases: readonly InteropCase[] = [true, false].flatMap((isOursFirst) => [
  {
    name: `olm-${isOursFirst ? 'initiator' : 'responder'}`,
    isOursFirst,
    knowsPreviousCount: false,
    ours: ({ identity, oneTimeKey }) => {
      const env = fixedEnv('olm');
      const own = drawOlmKeys(env);
      const bundle: OlmBundle = { identity: bytes(identity), oneTimeKey: bytes(oneTimeKey) };
      return isOursFirst ? olmInitiator(own, bundle, env) : olmResponder(own, env);
    },
  },
  {
    name: `signal-v3-${isOursFirst ? 'initiator' : 'responder'}`,
    isOursFirst,
    knowsPreviousCount: true,
    ours: ({ identity, signedPreKey, preKey }) => {
      const env = fixedEnv('signal');
      const own = drawSignalKeys(env);
      const bundle: SignalBundle = { identity: bytes(identity), signedPreKey: bytes(signedPreKey), preKey: bytes(preKey) };
      return isOursFirst ? signalInitiator(own, bundle, env) : signalResponder(own, env);
    },
  },
]);
