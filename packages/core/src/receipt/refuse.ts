import type { ReceiptErrorCode } from '../errors/codes.ts';
import { ReceiptError } from '../errors/receipt-error.ts';

export function malformed(what: string): ReceiptError {
  return refuse('TALOS_RECEIPT_MALFORMED', `${what} is not as docs/spec/07 says`);
}

export function refuse(code: ReceiptErrorCode, message: string): ReceiptError {
  return new ReceiptError({ code, message });
}
