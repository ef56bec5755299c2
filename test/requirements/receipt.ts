export const receiptRequirements = {
  'RECEIPT-STATES': 'A receipt is requested, tool-signed or both-signed, and verifies as just that.',
  'RECEIPT-KEYS': 'A receipt is verified under keys of the reader, each party under its own.',
  'RECEIPT-TWO-PARTIES': 'Two signatures of one key are not the agreement of two parties.',
  'RECEIPT-RESULT': 'An outcome commits to one result: a value, or a stream with its order and number.',
  'RECEIPT-CLOSED': 'An outcome whose members contradict each other, or that nobody knows, is neither signed nor read.',
  'RECEIPT-ENTRIES': 'A log holds request, outcome and countersignature byte for byte and finds them by the request.',
  'RECEIPT-TAMPER': 'No changed, cut or spliced part of a receipt verifies.',
  'RECEIPT-CODED': 'Whatever is no receipt is refused with a code.',
  'RECEIPT-VECTORS': 'Frozen receipts are made again byte for byte; those that are refused are refused by name.',
  'RECEIPT-FOREIGN': 'Code that is not ours verifies all three signatures of a receipt.',
} as const;
