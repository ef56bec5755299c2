export const adversaryRequirements = {
  'DOOR-TYPES': 'A public function that takes data from strangers answers a value of any wrong type with a coded error, and a guard never runs a tool on one.',
} as const;
