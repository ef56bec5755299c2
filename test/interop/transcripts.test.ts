import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { interopCases, type FrozenBundle } from './cases.ts';
import { converse, type Speaker } from './conversation.ts';
import { hex } from './foreign-ratchet.ts';

type Transcript = {
  readonly bundle: FrozenBundle;
  readonly messages: readonly { readonly from: 'first' | 'second'; readonly text: string; readonly wire: string }[];
};

/** Says what the foreign end said, and takes only what it took, byte for byte, each once. */
function replay({ messages }: Transcript, own: 'first' | 'second'): Speaker {
  const said = messages.filter(({ from }) => from === own);
  const heard = new Map(messages.filter(({ from }) => from !== own).map(({ wire, text }) => [wire, text]));
  return {
    send: () => new Uint8Array(Buffer.from(said.shift()?.wire ?? '', 'hex')),
    receive: (wire) => {
      const text = heard.get(hex(wire));
      if (text === undefined) throw new Error('the foreign end did not take these bytes');
      heard.delete(hex(wire));
      return text;
    },
  };
}

for (const { name, isOursFirst, knowsPreviousCount, ours } of interopCases) {
  it(`[RAT-FOREIGN] opens what the foreign code sent, and sends what it opened, byte for byte: ${name}`, async () => {
    const transcript = JSON.parse(readFileSync(new URL(`transcripts/${name}.json`, import.meta.url), 'utf8')) as Transcript;
    const own = ours(transcript.bundle);
    const theirs = replay(transcript, isOursFirst ? 'second' : 'first');
    const ends = isOursFirst ? { first: own, second: theirs } : { first: theirs, second: own };
    const sent = await converse({ ...ends, knowsPreviousCount });
    expect(sent.map(({ from, text, wire }) => ({ from, text, wire: hex(wire) }))).toEqual(transcript.messages);
  });
}
