export { startRelay, type Relay, type RelayOptions } from './relay.ts';
export { defaultLimits, type Quota, type RelayLimits } from './relay-limits.ts';
