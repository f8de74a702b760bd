import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** What a run came to. `problems` are errors outside any test, and files that didn't load. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  problems: number;
}

/** Writes the run's counts to the file that DCAE_SUMMARY names, for `npm test` to add up. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env['DCAE_SUMMARY'];
    if (!file) return;
    const summary: Summary = { passed: 0, failed: 0, skipped: 0, problems: errors.length };
    for (const module of modules) {
      let tests = 0;
      for (const test of module.children.allTests()) {
        tests++;
        const { state } = test.result();
        if (state === 'passed') summary.passed++;
        else if (state === 'failed') summary.failed++;
        else summary.skipped++;
      }
      if (tests === 0 && module.state() === 'failed') summary.problems++;
    }
    writeFileSync(file, JSON.stringify(summary));
  }
}
