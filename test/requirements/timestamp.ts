export const timestampRequirements = {
  'TSA-STAMP': 'A checkpoint is stamped by an RFC 3161 authority, recorded in the log, and verified offline as a claim of an evidence file.',
  'TSA-BROWSER': 'A browser verifies a time stamp as Node does.',
  'TSA-ATTACKS': 'A stamp of another text, authority, purpose or time, or with any byte of its signed parts changed, is refused.',
  'TSA-REQUEST': 'An authority that refuses, is silent, answers another request or too much costs the stamp and nothing else.',
} as const;
