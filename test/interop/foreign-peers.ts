/** The foreign code itself, as an end of a conversation: `@matrix-org/olm` and `@signalapp/libsignal-client` by their public API. */
import * as signal from '@signalapp/libsignal-client';
import Olm from '@matrix-org/olm';
import type { Speaker } from './conversation.ts';
import { join } from './foreign-ratchet.ts';
import type { OlmBundle, OlmOwn } from './olm.ts';
import { preKeyIds, typed, type SignalBundle, type SignalOwn } from './signal-v3.ts';

/** `type()` gives a plain number. */
const openingType: number = signal.CiphertextMessageType.PreKey;

type Met<Bundle> = { readonly speaker: Speaker; readonly bundle: Bundle };

/** An account with one one-time key. `theirs` is whom it opens a session to; without it, it waits for one. */
export async function olmPeer(theirs?: OlmOwn): Promise<Met<OlmBundle>> {
  await Olm.init();
  const account = new Olm.Account();
  account.create();
  account.generate_one_time_keys(1);
  const { curve25519: identity } = JSON.parse(account.identity_keys()) as { curve25519: string };
  const oneTime = Object.values((JSON.parse(account.one_time_keys()) as { curve25519: Record<string, string> }).curve25519)[0] ?? '';
  let session: Olm.Session | undefined;
  if (theirs !== undefined) {
    session = new Olm.Session();
    session.create_outbound(account, base64(theirs.identity.publicKey.bytes), base64(theirs.oneTimeKey.publicKey.bytes));
  }
  const speaker: Speaker = {
    send: (text) => {
      const { type, body } = (session as Olm.Session).encrypt(text) as { type: 0 | 1; body: string };
      return join(Uint8Array.of(type === 0 ? 1 : 0), Buffer.from(body, 'base64'));
    },
    receive: (wire) => {
      const body = base64(wire.subarray(1));
      const candidate = session ?? new Olm.Session();
      if (session === undefined) candidate.create_inbound(account, body);
      const text = candidate.decrypt(wire[0] === 1 ? 0 : 1, body);
      session = candidate;
      return text;
    },
  };
  return { speaker, bundle: { identity: Buffer.from(identity, 'base64'), oneTimeKey: Buffer.from(oneTime, 'base64') } };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

class Sessions extends signal.SessionStore {
  readonly #records = new Map<string, Buffer>();
  override async saveSession(name: signal.ProtocolAddress, record: signal.SessionRecord): Promise<void> {
    this.#records.set(name.name(), record.serialize());
  }
  override async getSession(name: signal.ProtocolAddress): Promise<signal.SessionRecord | null> {
    const record = this.#records.get(name.name());
    return record === undefined ? null : signal.SessionRecord.deserialize(record);
  }
  override async getExistingSessions(): Promise<signal.SessionRecord[]> {
    return [];
  }
}

class Identities extends signal.IdentityKeyStore {
  readonly key = signal.PrivateKey.generate();
  override getIdentityKey = async () => this.key;
  override getLocalRegistrationId = async () => 1;
  override saveIdentity = async () => signal.IdentityChange.NewOrUnchanged;
  override isTrustedIdentity = async () => true;
  override getIdentity = async () => null;
}

class PreKeys extends signal.PreKeyStore {
  readonly #record: signal.PreKeyRecord;
  constructor(record: signal.PreKeyRecord) {
    super();
    this.#record = record;
  }
  override savePreKey = async () => undefined;
  override getPreKey = async () => this.#record;
  override removePreKey = async () => undefined;
}

class SignedPreKeys extends signal.SignedPreKeyStore {
  readonly #record: signal.SignedPreKeyRecord;
  constructor(record: signal.SignedPreKeyRecord) {
    super();
    this.#record = record;
  }
  override saveSignedPreKey = async () => undefined;
  override getSignedPreKey = async () => this.#record;
}

/** Version 3 has none. */
class NoKyberPreKeys extends signal.KyberPreKeyStore {
  override saveKyberPreKey = async () => undefined;
  override getKyberPreKey = async (): Promise<signal.KyberPreKeyRecord> => Promise.reject(new Error('no KEM in version 3'));
  override markKyberPreKeyUsed = async () => undefined;
}

/** A device with one of each prekey. `theirs`: as in `olmPeer`. */
export async function signalPeer(theirs?: SignalOwn): Promise<Met<SignalBundle>> {
  const [sessions, identities] = [new Sessions(), new Identities()];
  const [preKey, signedPreKey] = [signal.PrivateKey.generate(), signal.PrivateKey.generate()];
  const signature = identities.key.sign(signedPreKey.getPublicKey().serialize());
  const address = signal.ProtocolAddress.new('ours', 1);
  const preKeys = new PreKeys(signal.PreKeyRecord.new(preKeyIds.preKeyId, preKey.getPublicKey(), preKey));
  const signedPreKeys = new SignedPreKeys(signal.SignedPreKeyRecord.new(preKeyIds.signedPreKeyId, 0, signedPreKey.getPublicKey(), signedPreKey, signature));
  if (theirs !== undefined) await signal.processPreKeyBundle(signedBundle(theirs), address, sessions, identities);
  const speaker: Speaker = {
    send: async (text) => {
      const message = await signal.signalEncrypt(Buffer.from(text), address, sessions, identities);
      return join(Uint8Array.of(message.type() === openingType ? 1 : 0), message.serialize());
    },
    receive: async (wire) => {
      const bytes = Buffer.from(wire.subarray(1));
      if (wire[0] !== 1) return text(await signal.signalDecrypt(signal.SignalMessage.deserialize(bytes), address, sessions, identities));
      const opening = signal.PreKeySignalMessage.deserialize(bytes);
      return text(await signal.signalDecryptPreKey(opening, address, sessions, identities, preKeys, signedPreKeys, new NoKyberPreKeys()));
    },
  };
  const raw = (key: signal.PrivateKey) => Uint8Array.from(key.getPublicKey().serialize().subarray(1));
  return { speaker, bundle: { identity: raw(identities.key), signedPreKey: raw(signedPreKey), preKey: raw(preKey) } };
}

/** The signature over a signed prekey is XEdDSA, which we do not have: theirs makes it, with our key. */
function signedBundle({ identity, signedPreKey, preKey }: SignalOwn): signal.PreKeyBundle {
  const publicKey = (key: SignalOwn['identity']) => signal.PublicKey.deserialize(Buffer.from(typed(key.publicKey.bytes)));
  const signature = signal.PrivateKey.deserialize(Buffer.from(identity.scalar.expose())).sign(publicKey(signedPreKey).serialize());
  const { registrationId, preKeyId, signedPreKeyId } = preKeyIds;
  // oxlint-disable-next-line max-params -- as it is
  return signal.PreKeyBundle.new(registrationId, 1, preKeyId, publicKey(preKey), signedPreKeyId, publicKey(signedPreKey), signature, publicKey(identity));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
