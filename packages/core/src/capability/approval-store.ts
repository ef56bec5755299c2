/** Where requests for approvals and their answers wait for each other: the port, and the store in memory (docs/spec/05 §5). @module */

/** One request. `body` is the desk's own text, with what opens the request: it is as private as the arguments. */
export type StoredRequest = {
  /** SHA-256 of the signed request. */
  readonly id: string;
  /** Which calls it may be about. */
  readonly place: string;
  readonly body: string;
  /** Milliseconds since 1970 after which nobody asks for it. */
  readonly until: number;
};

export type StoredAnswer = { readonly request: string; readonly approver: string; readonly token: string };

/**
 * Requests by place, answers by request. Writes are durable when they resolve. Of two answers by one approver to one request the first stays:
 * `addAnswer` resolves false for the second. Methods reject with a {@link StoreError} if the data cannot be read or written.
 */
export interface ApprovalStore {
  /** Drops what ended before `nowMs` as well. */
  addRequest(request: StoredRequest, nowMs: number): Promise<void>;
  request(id: string): Promise<StoredRequest | undefined>;
  /** Oldest first; of one place, or of all. */
  requests(place?: string): Promise<readonly StoredRequest[]>;
  /** Its answers go with it. */
  removeRequest(id: string): Promise<void>;
  addAnswer(answer: StoredAnswer): Promise<boolean>;
  answers(request: string): Promise<readonly StoredAnswer[]>;
}

/** Gone with the process: what was asked has to be asked again. */
export function memoryApprovalStore(): ApprovalStore {
  const requests = new Map<string, StoredRequest>();
  const answers = new Map<string, Map<string, StoredAnswer>>();
  const remove = (id: string): void => {
    requests.delete(id);
    answers.delete(id);
  };
  return {
    async addRequest(request, nowMs) {
      for (const { id, until } of requests.values()) if (until <= nowMs) remove(id);
      requests.set(request.id, request);
    },
    request: async (id) => requests.get(id),
    requests: async (place) => [...requests.values()].filter((request) => place === undefined || request.place === place),
    removeRequest: async (id) => remove(id),
    async addAnswer(answer) {
      const given = answers.get(answer.request) ?? new Map<string, StoredAnswer>();
      if (!requests.has(answer.request) || given.has(answer.approver)) return false;
      answers.set(answer.request, given.set(answer.approver, answer));
      return true;
    },
    answers: async (request) => [...(answers.get(request)?.values() ?? [])],
  };
}
