/**
 * The rollback fence: the highest committed version of each session, kept outside the home (docs/spec/04 §6.4). A restored backup
 * brings the sessions back as they were; the fence was not in it, and shows that they are old.
 */
export interface RollbackFence {
  /** The highest version raised for this session; 0 when there is none. */
  read(sessionId: string): Promise<number>;
  /**
   * Keeps the larger of `version` and what is there. When it resolves it outlives the process; a loss of power may cost the last moments,
   * which only brings the fence nearer to the store. Called after each commit and before the send; safe to call at the same time from
   * several processes. Rejects with a StoreError if it cannot be kept, and nothing is sent then.
   */
  raise(sessionId: string, version: number): Promise<void>;
  /**
   * Forgets sessions that were not raised for two lives of a session: a copy of such a one is too old to send, fence or none. Absent where
   * nothing is kept for long.
   */
  sweep?(): Promise<void>;
}

/** For tests, and for sessions that are kept in memory too. */
export function memoryFence(): RollbackFence {
  const versions = new Map<string, number>();
  return {
    read: async (sessionId) => versions.get(sessionId) ?? 0,
    raise: async (sessionId, version) => void versions.set(sessionId, Math.max(version, versions.get(sessionId) ?? 0)),
  };
}
