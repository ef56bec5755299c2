/** Appending about one person: every payload is sealed under that person's key, which can be destroyed. @module */
import type { Env } from '../env/env.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { requireText } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AuditLog } from './audit-log.ts';
import { subjectKeyLength, type PrivateStore } from './private-store.ts';
import { sealing, type EntryInput } from './recorder.ts';
import { sealOpening } from './subject-seal.ts';

export type SubjectLogParts = { readonly log: Pick<AuditLog, 'append'>; readonly privateStore: PrivateStore; readonly env: Env };

/** A person's reference is drawn, not derived from the name: it says nothing once the name is gone. */
const refBytes = 16;
export const maxSubjectName = 256;

/** The commitment to whom an entry is about; it opens and goes with the others. */
const subjectField = 'subject';

/**
 * @param name - what the person is called here: an address, a customer number. Kept in the private store until the person is erased, and in no entry.
 * @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` on a name that is not 1 to 256 characters.
 */
export function subjectLog({ log, privateStore, env }: SubjectLogParts, name: string): Pick<AuditLog, 'append'> {
  requireSubjectName(name);
  return {
    append: async (entry: EntryInput) => {
      // Asked each time: after an erasure the person's next entry begins under a new key, which leads to nothing that was before.
      const fresh = { ref: encodeBase64url(env.randomBytes(refBytes)), key: env.randomBytes(subjectKeyLength), since: env.now() };
      const subject = await privateStore.ensureSubject(name, fresh);
      return log.append({ ...entry, commit: { [subjectField]: name, ...entry.commit }, [sealing]: (drawn) => sealOpening(drawn, subject) });
    },
  };
}

export function requireSubjectName(name: string): void {
  requireText('subject', name);
  if (name.length === 0 || name.length > maxSubjectName)
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `a subject has a name of 1 to ${maxSubjectName} characters` });
}
