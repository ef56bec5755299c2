import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './scripts/closing-line-reporter.ts';

export default defineConfig({
  test: {
    projects: ['packages/*', 'test'],
    reporters: [process.env.CI === 'true' ? 'minimal' : 'default', new ClosingLineReporter()],
  },
});
