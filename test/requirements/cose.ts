export const coseRequirements = {
  'COSE-INCLUSION': 'A receipt of inclusion proves an entry under the log’s key alone, and another implementation reads it.',
  'COSE-CONSISTENCY': 'A receipt of consistency proves that the log continues a known head, under the log’s key alone.',
  'COSE-ATTACKS': 'A receipt with any byte changed, of another log, tree, entry or kind, or in a form that can be read in two ways, is refused.',
  'COSE-SIGNS-CHECKPOINTS': 'The log signs no receipt for a tree that it has not signed as a checkpoint, and none with another key.',
} as const;
