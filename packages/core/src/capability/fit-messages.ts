/** Of the segments in one message: with head, header and padding below the megabyte of a frame. */
const maxMessageLength = 900_000;

/** From where to where segments go into one message; the last part is there even if it has none. */
export function fitMessages(segments: readonly string[], after: number): readonly { readonly from: number; readonly end: number }[] {
  const parts = [{ from: after, end: after }];
  let length = 0;
  for (let i = after; i < segments.length; i++) {
    length += (segments[i] as string).length + 1;
    if (length > maxMessageLength && i > (parts.at(-1)?.from ?? i)) {
      parts.push({ from: i, end: i });
      length = (segments[i] as string).length + 1;
    }
    (parts.at(-1) as { end: number }).end = i + 1;
  }
  return parts;
}
