export { atRestSeal, type AtRestSeal } from './at-rest-seal.ts';
