import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './scripts/closing-line-reporter.ts';

export default defineConfig({
  test: {
    projects: ['packages/*', 'test'],
    reporters: ['default', new ClosingLineReporter()],
  },
});
