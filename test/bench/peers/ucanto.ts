import { call } from '../benches/capability-fixture.ts';
import type { Bench } from '../measure.ts';
import { loadPeer, mustAllow } from './load-peer.ts';

type Result<T> = { readonly ok?: T; readonly error?: unknown };
type Principal = { did(): string };
type Ability = { invoke(options: object): { delegate(): Promise<{ archive(): Promise<Result<Uint8Array>> }> } };
type Granted = { readonly with: string; readonly nb: { readonly to?: string } };
type Core = { readonly delegate: (options: object) => Promise<object>; readonly Delegation: { extract(bytes: Uint8Array): Promise<Result<object>> } };
type Validator = {
  readonly capability: (options: object) => Ability;
  readonly access: (invocation: object, options: object) => Promise<Result<object>>;
  readonly URI: { match(options: object): unknown };
  readonly Schema: { struct(shape: object): unknown; string(): unknown };
};
type Principals = { readonly ed25519: { generate(): Promise<Principal> }; readonly Verifier: unknown };

const ok = { ok: {} };

/** A delegation and the invocation under it, from their bytes: two signatures, and the capability derived. Its predecessor of UCAN 1.0, which is what this package speaks. */
export const ucanto: Bench = {
  name: 'peer-ucanto',
  floor: 'authorize-cold',
  async open() {
    const { delegate, Delegation } = await loadPeer<Core>('@ucanto/core');
    const { capability, access, URI, Schema } = await loadPeer<Validator>('@ucanto/validator');
    const { ed25519, Verifier } = await loadPeer<Principals>('@ucanto/principal');
    const can = `mail/${call.tool}`;
    const derives = (claimed: Granted, delegated: Granted): object =>
      claimed.with === delegated.with && claimed.nb.to === delegated.nb.to ? ok : { error: new Error('escalates') };
    const ability = capability({ can, with: URI.match({ protocol: 'did:' }), nb: Schema.struct({ to: Schema.string() }), derives });
    const [owner, agent] = [await ed25519.generate(), await ed25519.generate()];
    const expiration = Math.floor(Date.now() / 1000) + 3600;
    const given = { with: owner.did(), nb: { to: call.input.to } };
    const proof = await delegate({ issuer: owner, audience: agent, capabilities: [{ can, ...given }], expiration });
    const invoked = async (proofs: readonly object[]): Promise<Uint8Array> => {
      const invocation = await ability.invoke({ issuer: agent, audience: owner, ...given, proofs, expiration }).delegate();
      return (await invocation.archive()).ok as Uint8Array;
    };
    const decide = async (bytes: Uint8Array): Promise<boolean> => {
      const { ok: invocation } = await Delegation.extract(bytes);
      const result = await access(invocation as object, { capability: ability, authority: owner, principal: Verifier, validateAuthorization: () => ok });
      return result.ok !== undefined;
    };
    if (await decide(await invoked([]))) throw new Error('an invocation without a proof was allowed');
    const bytes = await invoked([proof]);
    return { async: async () => mustAllow(await decide(bytes)) };
  },
};
