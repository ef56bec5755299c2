/** How the demo speaks: one line per fact, a mark for each that was checked. @module */
import { styleText } from 'node:util';

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
let checks = 0;
const failures: string[] = [];

export function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function heading(title: string, detail = ''): void {
  say();
  say(` ${paint('bold', title)}${detail === '' ? '' : `  ${paint('dim', detail)}`}`);
}

/** Prints the fact and whether it holds. The demo fails if one does not. */
export function fact(holds: boolean, text: string, detail = ''): void {
  checks += 1;
  if (!holds) failures.push(text);
  say(`   ${holds ? paint('green', '✓') : paint('red', '✗ NOT SO:')} ${text}${detail === '' ? '' : `  ${paint('dim', detail)}`}`);
}

export function end(seconds: number): void {
  say();
  if (failures.length === 0) say(` ${paint('green', 'Everything as it should be')}: ${checks} facts checked in ${seconds.toFixed(1)} s, offline.`);
  else say(` ${paint('red', `${failures.length} of ${checks} facts did not hold.`)}`);
  say();
  process.exitCode = failures.length === 0 ? 0 : 1;
}

/** `did:key:z6MkskHo…76gm`: enough to tell agents apart. */
export function short(did: string): string {
  return `${did.slice(0, 16)}…${did.slice(-4)}`;
}

function paint(style: 'bold' | 'dim' | 'green' | 'red', text: string): string {
  return colour ? styleText(style, text) : text;
}
