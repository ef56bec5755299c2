export const testingRequirements = {
  'SUITE-ADAPTER': 'The adapter suite runs against a framework’s own loop and passes an adapter that keeps every promise.',
  'SUITE-ADAPTER-FINDS': 'The adapter suite fails an adapter for each kind of fault that it is there to find.',
  'SUITE-ADAPTER-DECLARES': 'A case that a framework cannot express is declared with a reason, and is never left out in silence.',
} as const;
