export { startRelay, type Relay, type RelayOptions } from './relay.ts';
export { startWitness, type WitnessOptions, type WitnessServer } from './witness.ts';
export { defaultWitnessLimits, type WitnessLimits } from './witness-limits.ts';
export { defaultLimits, type Quota, type RelayLimits } from './relay-limits.ts';
