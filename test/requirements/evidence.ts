export const evidenceRequirements = {
  'EVIDENCE-CLAIMS':
    'An evidence file is verified without IO and with a verdict for each claim: entries, complete windows, recorder sequences, disclosures, checkpoints, one history, witnesses, key histories, receipts, foreign claims.',
  'EVIDENCE-TRUST':
    'Trust comes from the reader alone: what he gives no trust or verifier for reads "not checked" and never green, and a mistake in it is an error.',
  'EVIDENCE-TAMPER':
    'Any changed byte of any field of an evidence file is found, and the claim that it belongs to is named; nothing else is shown as true than before.',
  'EVIDENCE-LAST-SEEN': 'A log that does not provably continue the head that the reader saw last is not green, and one that contradicts it is bad.',
  'EVIDENCE-HISTORY': 'A key history is verified whole and against the pinned one; a cut, forged or equivocating one is not green.',
  'EVIDENCE-FOREIGN': 'A foreign claim is green only if the plug-in for its type says what it proved about a verified checkpoint.',
  'EVIDENCE-CANONICAL': 'An evidence file has one text: canonical JSON with every list in its order.',
  'EVIDENCE-CLOSED': 'An evidence file with a member more or fewer, of another type or version, or cut off anywhere, is refused, naming the place.',
  'EVIDENCE-ONCE': 'No claim stands twice in an evidence file, and no entry in two places.',
  'EVIDENCE-BOUNDS': 'An evidence file above its bounds is refused before it is worked on.',
  'EVIDENCE-ASSEMBLE': 'A file is assembled from what the log proves; only payloads that were named are opened, and what cannot be proved is an error.',
  'EVIDENCE-CLIENT':
    'A client makes an evidence file of its log: all of it or what is named, with the receipts, the histories and the cosigned checkpoint that it needs.',
  'EVIDENCE-RECEIPT-STATES':
    'A log’s receipts are requested, tool-signed, both-signed, disputed or observed, as their signatures say, and the unanswered are listed by age.',
  'EVIDENCE-OBSERVED':
    'A call to a peer that signs no receipts is observed, each one, by the peer that the guard was told; such calls are listed by age and shown beside the differences of two logs.',
  'EVIDENCE-RECEIPT-FAULTS': 'A part of a receipt that is forged, of another call or of nobody who is trusted counts as absent and is named.',
  'EVIDENCE-RECEIPT-CLAIMS': 'Receipts among the entries of an evidence file are claims of their own, under the agents that the reader trusts.',
  'EVIDENCE-KEY-EPOCH': 'A signature counts only by the key that spoke for its agent at that time.',
  'EVIDENCE-RECONCILE': 'The difference of two logs names every part of a receipt that one of them lacks, has otherwise, disputes, or that does not verify.',
  'EVIDENCE-USAGE':
    'A usage statement sums what both sides signed, and is countersigned only if the caller’s own log says the same; otherwise the answer is the signed difference.',
} as const;
