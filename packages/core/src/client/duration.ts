import { requireText } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';

/** `15m`, `90s`, `2h`, `1d`: a count and a unit. */
export type Duration = `${number}${'s' | 'm' | 'h' | 'd'}`;

const seconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Whole seconds. @throws {@link UsageError} `TALOS_USAGE_ARGUMENT`. */
export function parseDuration(text: Duration): number {
  requireText('a duration', text);
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text);
  if (match === null) throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'a duration is a whole number and one of s, m, h, d: "15m"' });
  return Number(match[1]) * seconds[match[2] as keyof typeof seconds];
}
