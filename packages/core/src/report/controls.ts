/**
 * Which rules a log can bear on, and how far. What a rule asks is told in our words and short; the rule's own text decides. A log is a part of what
 * each asks for, never the whole. @module
 */
export type Control = {
  readonly rule: string;
  readonly asks: string;
  /** What of this report bears on it, and by which proofs. */
  readonly shows: string;
  readonly proofs: readonly string[];
  readonly leaves: string;
};

export const controls: readonly Control[] = [
  {
    rule: 'SOC 2 CC6.1',
    asks: 'Logical access is restricted to what is authorized.',
    shows: 'Calls that were decided on before they ran, refusals by reason, rights issued and revoked, key events.',
    proofs: ['calls', 'refusals', 'rights', 'keys'],
    leaves: 'Whether the rights that were granted were the right ones, and access by ways that pass the guard by.',
  },
  {
    rule: 'SOC 2 CC7.2',
    asks: 'System components are monitored for anomalies.',
    shows: 'What was recorded, and where recording was interrupted: gaps, lost events, crashes, calls without a result.',
    proofs: ['population', 'coverage'],
    leaves: 'Whether anybody watched, and analysis of anomalies.',
  },
  {
    rule: 'SOC 2 CC7.3',
    asks: 'Security events are evaluated.',
    shows: 'Refusals, revocations and interruptions, each by index, as the material of an evaluation.',
    proofs: ['refusals', 'rights', 'coverage'],
    leaves: 'That they were evaluated, and what followed.',
  },
  {
    rule: 'SOC 2 CC8.1',
    asks: 'Changes are authorized, documented and controlled.',
    shows: 'Configuration and key changes that were recorded, with who made them.',
    proofs: ['changes', 'keys'],
    leaves: 'Changes of code, models and infrastructure, and their approval.',
  },
  {
    rule: 'ISO/IEC 42001 A.6.2.8',
    asks: 'Event logs of the AI system are kept where they are needed, at least while it is in use.',
    shows: 'Which events were logged in the period, and that the log is complete between its first and last entry.',
    proofs: ['population', 'coverage'],
    leaves: 'Whether these are the phases and events that the organization decided to log.',
  },
  {
    rule: 'HIPAA 45 CFR 164.312(b)',
    asks: 'Mechanisms record and examine activity in systems with electronic protected health information.',
    shows: 'Activity that was recorded, by type, tool and outcome.',
    proofs: ['population', 'calls'],
    leaves: 'Whether these systems hold such information, activity outside the recorder, and that it was examined.',
  },
  {
    rule: 'HIPAA 45 CFR 164.312(c)',
    asks: 'Electronic protected health information is protected from improper alteration or destruction.',
    shows: 'That log entries were not altered or removed since they were signed, and which erasures were recorded.',
    proofs: ['tree', 'erasures'],
    leaves: 'The integrity of the health information itself.',
  },
  {
    rule: 'HIPAA 45 CFR 164.308(a)(1)(ii)(D)',
    asks: 'Records of system activity are reviewed regularly.',
    shows: 'A summary that a reviewer can start from.',
    proofs: ['population', 'refusals'],
    leaves: 'That a review took place, and how often.',
  },
  {
    rule: 'EU AI Act, Article 12',
    asks: 'High-risk AI systems technically allow the automatic recording of events over their lifetime.',
    shows: 'Events that were recorded automatically in the period, and interruptions of recording.',
    proofs: ['population', 'coverage'],
    leaves: 'Whether the system is high-risk, whether these events suffice for its purpose, and periods outside this report.',
  },
  {
    rule: 'EU AI Act, Article 19',
    asks: 'Providers keep the automatically generated logs that are under their control, for a fitting period of at least six months.',
    shows: 'The oldest and newest entries of the period, and retention decisions that were recorded.',
    proofs: ['population', 'retention'],
    leaves: 'That the log will be kept, and copies held elsewhere.',
  },
  {
    rule: 'EU AI Act, Article 26',
    asks: 'Deployers monitor operation and keep the logs under their control, for a fitting period of at least six months.',
    shows: 'The same, for a deployer whose log this is, and approvals by people that were recorded.',
    proofs: ['population', 'retention', 'rights'],
    leaves: 'Human oversight itself, the other duties of the article, and information given to those affected.',
  },
];
