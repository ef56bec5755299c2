export const guardRequirements = {
  'GUARD-HALLWAY': 'An allowed call is decided, reserved, recorded, run and recorded again, in that order.',
  'GUARD-REFUSED': 'A refused call does not run and leaves one policy.decision entry.',
  'GUARD-THROW': 'What a tool throws is an outcome: recorded, and handed back as it was.',
  'GUARD-COPY': 'A decision is made on a deep copy: what changes after the call began changes neither the decision nor what the tool gets.',
  'GUARD-PLAIN': 'Input that is not plain JSON is refused, and the denial names the path.',
  'GUARD-LOG-FIRST': 'A call whose request could not be recorded is not run.',
  'GUARD-UNLOGGED': 'A result that could not be recorded is handed back marked as unlogged.',
  'GUARD-CHECK': 'A check refuses and records a refusal; an allow records nothing and reserves nothing.',
  'GUARD-ITERATE': 'A tool that yields is recorded once, at its end, also when its consumer stops early or it throws.',
  'GUARD-CANCELLED': 'A tool that fails under an aborted signal is recorded as cancelled.',
  'GUARD-PRIVATE': 'Arguments and results are nowhere in the entries in clear, and neither are names that a model made up.',
  'GUARD-REFUSAL': 'A model sees a structured refusal; the error for frameworks holds no input.',
  'GUARD-PARALLEL': 'Calls at the same time are decided and recorded each by itself.',
  'GUARD-RECORD': 'Turns of a model and handoffs to other agents are recorded as commitments to hashes: what was said is kept nowhere.',
  'GUARD-SPANS':
    'With a tracer each call is a span that names the decision and the entry; a refusal is its error, and arguments stay out of it unless they are asked for.',
} as const;
