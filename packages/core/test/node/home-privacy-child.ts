/** A process that erases or prunes in a home and is killed by itself at a named step: `begin:before`, `erase:during`, `prune:after` … @module */
import { systemEnv } from '../../src/env/env.ts';
import { openHomePrivacy } from '../../src/node/home-privacy.ts';
import { homeStoreOf } from '../../src/node/node-home.ts';

const [dir = '', stateDir = '', what = '', step = '', now = '0'] = process.argv.slice(2);
const order = { reason: 'gdpr-17-1-a', authority: 'office' };
const { privacy } = await openHomePrivacy({ dir, stateDir, env: { ...systemEnv, now: () => Number(now) } });
const { privateStore, upkeep } = homeStoreOf(dir);
const [method = '', moment] = step.split(':');
const owner = (method === 'prune' ? upkeep : privateStore) as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
const real = owner[method] as (...args: unknown[]) => Promise<unknown>;

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

owner[method] = async (...args) => {
  if (moment === 'before') return die();
  const done = real.apply(owner, args);
  if (moment === 'during') return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(die()))));
  await done;
  return die();
};

if (what === 'erase') await privacy.eraseSubject('Ada Lovelace', order);
else await privacy.retain({ others: { minDays: 1, maxDays: 2 } }, order);
