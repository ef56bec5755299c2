/** The sections of a report, in the order in which they are read. Every number has the proof that it can be checked by beside it. @module */
import { controls } from './controls.ts';
import type { Block, Cell, Row } from './document.ts';
import type { Counted, Listed, ReportFacts, WitnessFacts } from './report-facts.ts';

export function reportTitle({ origin }: ReportFacts): string {
  return `Audit report of ${origin}`;
}

export function reportBlocks(facts: ReportFacts): Block[] {
  return [
    { kind: 'heading', level: 1, text: reportTitle(facts) },
    {
      kind: 'text',
      text: `Entries from ${facts.from} to ${facts.to}, by the clocks of their recorders. Every number names the proof that it can be checked by.`,
    },
    ...limits(),
    ...population(facts),
    ...coverage(facts),
    ...calls(facts),
    ...witnesses(facts),
    ...list({ title: 'Retention', to: 'retention', none: 'No decision on retention was recorded in the period.' }, facts.retention),
    ...retentionClasses(facts),
    ...list({ title: 'Erasures', to: 'erasures', none: 'No erasure was recorded in the period.' }, facts.erasures),
    ...list({ title: 'Key events', to: 'keys', none: 'No key was bound or revoked in the period.' }, facts.keyEvents),
    ...list({ title: 'Rights and approvals', to: 'rights', none: 'No right was issued or revoked, and no approval recorded, in the period.' }, facts.rights),
    ...list({ title: 'Configuration and anchors', to: 'changes', none: 'No change of configuration and no anchor was recorded in the period.' }, facts.changes),
    ...mapped(),
    ...proofs(facts),
  ];
}

function limits(): Block[] {
  return [
    { kind: 'heading', level: 2, text: 'What this report does not show' },
    {
      kind: 'points',
      points: [
        'That what was recorded is true. A log proves that entries are unchanged, in order and complete between two of them; it does not prove what they say.',
        'What happened outside the recorder. A call that did not pass through it is in no log, and no report can miss it.',
        'What payloads held. The log holds commitments to arguments and results; this report opens none.',
        'Time. Times are those of the recorders’ own clocks, except where witnesses are named.',
        'That a rule was met. The table of rules says what bears on each and what is left open; whether it suffices is for an auditor to say.',
      ],
    },
  ];
}

function population(facts: ReportFacts): Block[] {
  const { start, end, types, agents, sessions, outsideTime, clockBack, pruned } = facts;
  return [
    { kind: 'heading', level: 2, text: 'Population' },
    table(
      ['What', 'Number', 'Proof'],
      [
        ['Entries', number(end - start), link('population', range(start, end))],
        ['Entries at the beginning of the log that retention had removed: not counted', number(pruned), link('tree', range(0, pruned))],
        ...types.map(({ type, count }): Cell[] => [`of type ${type}`, number(count), link('population', range(start, end))]),
        ['Agents that are named', `${agents.more ? 'at least ' : ''}${number(agents.count)}`, link('population', range(start, end))],
        ['Sessions opened', number(sessions.opened), link('population', range(start, end))],
        ['Sessions closed', number(sessions.closed), link('population', range(start, end))],
        ['Entries in between whose own time lies outside the period', number(outsideTime.count), link('population', entries(outsideTime))],
        ['Entries whose time is before that of their recorder’s entry before', number(clockBack.count), link('population', entries(clockBack))],
      ],
    ),
  ];
}

function coverage(facts: ReportFacts): Block[] {
  const { requestsWithoutResult, resultsWithoutRequest, sequenceFaults, crashes, lost, forks, recorders } = facts;
  const stopped = recorders.filter((run) => run.stopped).length;
  const counted = (what: string, tally: Counted): Cell[] => [what, number(tally.count), link('coverage', entries(tally))];
  return [
    { kind: 'heading', level: 2, text: 'Coverage' },
    table(
      ['What', 'Number', 'Proof'],
      [
        counted('Calls that were allowed and have no recorded result', requestsWithoutResult),
        counted('Results of calls whose request is not in the period', resultsWithoutRequest),
        counted('Places where a recorder’s sequence has a gap or does not fit', sequenceFaults),
        counted('Starts after a recorder that had not stopped', crashes),
        ['Events that recorders counted as lost', number(lost.events), link('coverage', entries(lost))],
        counted('Restores of the log from an older copy', forks),
        ['Recorders', number(recorders.length), link('coverage', range(facts.start, facts.end))],
        ['of which stopped in the period; the others crashed or were running at its end', number(stopped), link('coverage', range(facts.start, facts.end))],
      ],
    ),
  ];
}

function calls({ tools, otherToolCalls, refusals, start, end }: ReportFacts): Block[] {
  const proof = (to: string): Cell => link(to, range(start, end));
  return [
    { kind: 'heading', level: 2, text: 'Calls' },
    table(
      ['Tool, as recorded', 'Allowed', 'Ended well', 'Ended otherwise', 'Refused', 'Proof'],
      tools.map(({ tool, requested, ok, failed, refused }) => [tool, number(requested), number(ok), number(failed), number(refused), proof('calls')]),
    ),
    ...(otherToolCalls === 0
      ? []
      : [{ kind: 'text', text: `${number(otherToolCalls)} further entries are of tools beyond the first thousand names.` } as const]),
    table(
      ['Reason of refusal', 'Number', 'Proof'],
      refusals.map(({ code, count }) => [code, number(count), proof('refusals')]),
    ),
  ];
}

function witnesses({ witnesses: seen, start, end }: ReportFacts): Block[] {
  const heading: Block = { kind: 'heading', level: 2, text: 'Witnesses' };
  if (seen === undefined)
    return [
      heading,
      {
        kind: 'text',
        text: 'This report was made without cosigned checkpoints. Nothing in it says that anybody but the log’s own key stood for its history at the time.',
      },
    ];
  return [heading, witnessTable(seen, { start, end })];
}

function witnessTable({ checkpoints, longest, refused }: WitnessFacts, window: { readonly start: number; readonly end: number }): Block {
  const span = longest === undefined ? 'none' : `${duration(longest.milliseconds)}${longest.ended ? '' : ', and not ended at the last entry of the period'}`;
  const where = longest === undefined ? range(window.start, window.end) : range(longest.start, longest.end);
  return table(
    ['What', 'Number', 'Proof'],
    [
      ['Checkpoints that a quorum of the policy cosigned', number(checkpoints), link('witnesses', 'cosigned notes')],
      ['Notes that were given and prove nothing under the policy', number(refused), link('witnesses', 'cosigned notes')],
      ['Longest time from an entry to the first cosigned checkpoint that covers it', span, link('witnesses', where)],
    ],
  );
}

type Section = { readonly title: string; readonly to: string; readonly none: string };

function list({ title, to, none }: Section, { count, entries: listed }: Listed): Block[] {
  const heading: Block = { kind: 'heading', level: 2, text: title };
  if (count === 0) return [heading, { kind: 'text', text: none }];
  return [
    heading,
    { kind: 'text', text: `${number(count)} in the period${count > listed.length ? `; the first ${listed.length} are listed` : ''}.` },
    table(
      ['Type', 'Time', 'Agent', 'What the entry says', 'Proof'],
      listed.map(({ index, time, type, agent, detail }) => [type, time, agent, detail, link(to, `entry ${index}`)]),
    ),
  ];
}

function retentionClasses({ retentionClasses: counted, start, end }: ReportFacts): Block[] {
  if (counted === undefined)
    return [{ kind: 'text', text: 'This report was made without a retention policy: nothing in it says whether entries were kept long enough, or too long.' }];
  const days = (value: number | undefined): string => (value === undefined ? 'none' : `${value} d`);
  return [
    {
      kind: 'text',
      text: `By the policy that was given, as of ${counted.at}. Each entry of the period is met, held or overdue. Entries that were pruned are not in the log and not counted; payloads are not in it either: how many are due is counted, not whether they are gone.`,
    },
    table(
      ['Class', 'Minimum', 'Maximum', 'Payloads', 'Entries', 'Met', 'of all within the minimum', 'Held', 'Overdue', 'Payloads due', 'Proof'],
      counted.classes.map((each) => [
        each.name,
        days(each.minDays),
        days(each.maxDays),
        days(each.payloadDays),
        ...[each.entries, each.met, each.withinMinimum, each.held.count].map(number),
        each.overdue.count === 0 ? '0' : `${each.overdue.count}: ${entries(each.overdue)}`,
        number(each.payloadsDue),
        link('population', range(start, end)),
      ]),
    ),
  ];
}

function mapped(): Block[] {
  const rows = controls.flatMap(({ rule, asks, shows, proofs: by, leaves }): Cell[][] => [[rule, asks, shows, link(by[0] as string, by.join(', ')), leaves]]);
  return [
    { kind: 'heading', level: 2, text: 'Rules that this bears on' },
    { kind: 'text', text: 'A log is a part of what each rule asks for. What a rule says is told in short; its own text decides.' },
    table(['Rule', 'Asks for', 'This report shows', 'By', 'Not shown here'], rows),
  ];
}

function proofs(facts: ReportFacts): Block[] {
  const { checkpoint, verifierKey, ranges, start, end } = facts;
  const windows = ranges.length === 0 ? 'no entries' : ranges.map((each) => range(each.start, each.end)).join('; ');
  const counting = `Range proofs of ${windows}, under the checkpoint of tree. They hold all entries in between; count them.`;
  return [
    { kind: 'heading', level: 2, text: 'Proofs' },
    {
      kind: 'text',
      text: 'Each can be made from the log (a range proof, an entry’s proof, or an evidence file that holds them) and is checked offline under the key below.',
    },
    {
      kind: 'table',
      head: ['Name', 'What is proved by what'],
      rows: [
        proof(
          'tree',
          `Checkpoint of ${number(checkpoint.size)} entries with root ${checkpoint.root} under the key ${verifierKey}. Its tree was computed from every entry when this report was made.`,
        ),
        proof('population', counting),
        proof(
          'coverage',
          `The same range proofs: each recorder’s sequence is followed through them. Results up to entry ${Math.max(0, checkpoint.size - 1)} were taken into account.`,
        ),
        proof('calls', `The same range proofs: entries of types tool.request, tool.result and policy.decision in ${range(start, end)}.`),
        proof('refusals', `The same range proofs: entries of type policy.decision in ${range(start, end)}.`),
        proof('witnesses', 'The cosigned notes that were given, under the reader’s policy. Their roots were compared with the tree at their sizes.'),
        ...['retention', 'erasures', 'keys', 'rights', 'changes'].map((name) =>
          proof(name, 'Inclusion proofs of the entries that are named; that there are no others, the range proofs.'),
        ),
      ],
    },
  ];
}

function proof(id: string, text: string): Row {
  return { id, cells: [id, text] };
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): Block {
  return { kind: 'table', head, rows: rows.map((cells) => ({ cells })) };
}

function link(to: string, text: string): Cell {
  return { to, text };
}

function number(value: number): string {
  return String(value);
}

function range(start: number, end: number): string {
  return start === end ? 'no entries' : `entries ${start} to ${end - 1}`;
}

function entries({ count, indices }: Counted): string {
  if (count === 0) return 'none in the range';
  return `entries ${indices.join(', ')}${count > indices.length ? ' and more' : ''}`;
}

function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  return `${parts[0]} d ${parts[1]} h ${parts[2]} min ${seconds % 60} s`;
}
