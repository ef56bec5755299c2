/** Every peer by name. @module */
import type { Bench } from '../measure.ts';
import { agentGovernance } from './agent-governance.ts';
import { biscuit } from './biscuit.ts';
import { casbin } from './casbin.ts';
import { cedar } from './cedar.ts';
import { jose } from './jose.ts';
import { policyOpa } from './policy-opa.ts';
import { ucanto } from './ucanto.ts';

/** Each is held against the bench of ours that does what it does. */
export const peers: readonly Bench[] = [agentGovernance, jose, biscuit, ucanto, casbin, cedar, policyOpa];
