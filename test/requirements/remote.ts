export const remoteRequirements = {
  'REMOTE-CALL': 'A remote call runs under the guard of the callee, and its result comes back with a receipt.',
  'REMOTE-RECEIPTS': 'Both logs hold request, outcome and countersignature byte for byte, and the decision stands where the outcome says.',
  'REMOTE-REFUSED': 'A call that the capability does not allow is not run; the refusal is signed and recorded.',
  'REMOTE-ERROR': 'What a remote tool throws comes back as its name and message, signed.',
  'REMOTE-CALL-STORE': 'A store of served calls tells one caller that a call is new and keeps its first answer, also among processes.',
} as const;
