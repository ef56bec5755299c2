/** What signed HTTP requests promise (docs/spec/09). Each id is cited by at least one test. @module */
export const httpRequirements = {
  'HTTP-SIGNED': 'A signed request runs its handler once, who sees the caller’s proved DID and reads the body as it was sent.',
  'HTTP-ABSENT': 'Without a capability, or without a proof, no handler runs.',
  'HTTP-OTHER-REQUEST': 'A proof counts for its own method, path, query, body and type of the body only.',
  'HTTP-OTHER-PLACE': 'A proof counts at its own server and origin only, and a capability at the agent that it was granted for.',
  'HTTP-REPLAY': 'A signed request counts once, and for a minute.',
  'HTTP-HEADERS': 'A header that comes twice, or in another form, is refused: nobody knows which one was meant.',
  'HTTP-STOLEN': 'A capability without its holder’s key is of no use.',
  'HTTP-DECIDED': 'What the capability does not grant is refused by the guard, limits and revocations included.',
  'HTTP-RECORD': 'A handled request leaves a request and a result under its caller’s id, no path or body among them; strangers leave nothing.',
  'HTTP-BODY-BOUND': 'A body above the bound is refused, and cannot be signed.',
  'HTTP-BUDGET': 'What a sender’s forgeries cost is bounded.',
  'HTTP-NO-REDIRECT': 'A signed request follows no redirect.',
} as const;
