/** The whole vocabulary of version 1. Apart from admission, so that only those who meet its rarer words load it. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { compileGrants, type Policy, type Vocabulary } from './compile.ts';
import { allKinds } from './rare-kinds.ts';
import { readTerms } from './read-terms.ts';

export const fullVocabulary: Vocabulary = { kinds: allKinds, terms: readTerms };

/** @throws {@link TokenFault} `MALFORMED`, `CONSTRAINT_UNKNOWN` or `TOO_LARGE`, with the index of the grant. */
export function compileAllGrants(details: readonly JsonValue[]): Policy {
  return compileGrants(details, fullVocabulary);
}
