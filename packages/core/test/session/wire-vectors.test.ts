import { wireCases } from './vectors/wire-cases.ts';

wireCases('suite of this platform');
