import { expectTypeOf } from 'vitest';
import type { KemSuite, Suite } from '../../src/primitives/contract.ts';
import type { Ed25519PublicKey, Ed25519SecretKey, KemPublicKey, KemSecretKey, X25519PublicKey, X25519SecretKey } from '../../src/primitives/keys.ts';
import * as native from '../../src/primitives/node.ts';
import * as nativeKem from '../../src/primitives/node-kem.ts';
import * as portable from '../../src/primitives/noble.ts';
import * as portableKem from '../../src/primitives/noble-kem.ts';

// '[SUITE-EQUAL] both suites satisfy one contract, and export nothing that the other lacks'
expectTypeOf(portable).toExtend<Suite>();
expectTypeOf(native).toExtend<Suite>();
expectTypeOf<keyof typeof native>().toEqualTypeOf<keyof typeof portable>();
expectTypeOf<keyof typeof portable>().toEqualTypeOf<keyof Suite>();
expectTypeOf(portableKem).toExtend<KemSuite>();
expectTypeOf(nativeKem).toExtend<KemSuite>();

// '[KEY-ROLES] a key of one role is no key of another'
expectTypeOf<X25519PublicKey>().not.toExtend<Ed25519PublicKey>();
expectTypeOf<Ed25519PublicKey>().not.toExtend<X25519PublicKey>();
expectTypeOf<X25519SecretKey>().not.toExtend<Ed25519SecretKey>();
expectTypeOf<Ed25519SecretKey>().not.toExtend<X25519SecretKey>();
expectTypeOf<Ed25519SecretKey>().not.toExtend<Ed25519PublicKey>();
expectTypeOf<X25519SecretKey>().not.toExtend<X25519PublicKey>();
expectTypeOf<KemPublicKey>().not.toExtend<X25519PublicKey>();
expectTypeOf<KemSecretKey>().not.toExtend<KemPublicKey>();

declare const signing: Ed25519SecretKey;
declare const agreement: X25519SecretKey;
declare const bytes: Uint8Array;

// @ts-expect-error an agreement key does not sign
portable.signEd25519(agreement, bytes);
// @ts-expect-error a signature key does not agree
portable.agreeX25519(signing, agreement.publicKey);
// @ts-expect-error the peer's half of an agreement is an agreement key
portable.agreeX25519(agreement, signing.publicKey);
// @ts-expect-error a secret key is no public key
portable.verifyEd25519(signing, bytes, bytes);
// @ts-expect-error raw bytes passed no import policy
portable.verifyEd25519(bytes, bytes, bytes);
// @ts-expect-error a KEM takes KEM keys
portableKem.encapsulate(agreement.publicKey);
