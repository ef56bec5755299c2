/** Privacy: docs/spec/10. */
export const privacy = {
  'PRIVACY-STORE-CONTRACT': 'Every private store keeps the contract of the port.',
  'PRIVACY-FILES': 'Payloads and the keys of persons are in two files of their owner alone, with one writer; other files are refused.',
  'PRIVACY-SUBJECT-KEY': 'Salt and cipher key of a person’s payload come from that person’s key, and nothing that a payload says chooses them.',
  'PRIVACY-SUBJECTS-SEALED':
    'Names and keys of persons are sealed at rest under a key of the home; a file that has them in clear is sealed when it is opened, without a trace.',
  'PRIVACY-ERASE-PERSON': 'Erasing a person destroys their key and name and all payloads under it; all other payloads stay, and the log verifies in full.',
  'PRIVACY-ERASE-PAYLOAD': 'One payload or one field of an entry can be erased; its commitment stays and opens no more.',
  'PRIVACY-ORDER': 'An erasure has a reason code and an authority, and the log says so.',
  'PRIVACY-COUNTERPARTIES': 'An erasure names who else may hold a salt: the parties of call and message, and who was given an opening.',
  'PRIVACY-HOLD': 'What a legal hold covers is neither erased nor pruned until it is released.',
  'PRIVACY-RETENTION': 'Payloads go by the age that their class of entries says, and a policy that cannot be is refused.',
  'PRIVACY-PRUNE': 'A beginning of the log that every class allows to go goes; hashes and checkpoints stay, and every other entry is proved as before.',
  'PRIVACY-PRUNE-SAID': 'Entries without bytes that the log does not speak of are found as missing.',
  'PRIVACY-PRUNE-UNSUPPORTED': 'A store that cannot remove entries refuses to prune, with a code.',
  'PRIVACY-NO-TRACE': 'Of three persons erased from a log of 10,000 entries no byte is left in home, WAL, exports or state, and the log verifies in full.',
  'PRIVACY-GUESS': 'A guess of a payload of few possible values is confirmed by its opening only, by no exported byte.',
  'PRIVACY-CRASH': 'A process that is killed at any step of an erasure or a pruning leaves it done or not begun, and the next start completes it.',
  'PRIVACY-RESUME': 'What was begun is completed by the next opening, with one entry.',
  'PRIVACY-RESTORED-COPY': 'A private store that was restored from before an erasure is erased again from what the log says.',
  'PRIVACY-NOT-DURABLE': 'Openings of entries that did not become durable are dropped, and no other entry gets them.',
  'PRIVACY-UNOPENED':
    'Payloads and entries are durable before an append is acknowledged, side by side: an entry whose payloads a crash took is named at the next start, an erased one is not.',
  'PRIVACY-REDACT': 'An evidence file opens what was named and can be passed on with less, and still verifies.',
  'PRIVACY-GUARD': 'A guard that is told whom its calls are about seals arguments and results under that person’s key.',
} as const;
