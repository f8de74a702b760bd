import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** The counts of a run. `problems` are errors outside of any test, and files that did not load. */
export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  problems: number;
  /** Seconds from the start of a project's first file to the end of its last. */
  seconds: Record<string, number>;
}

/** Writes the run's counts and times to the file that DCAE_SUMMARY names, for `npm test` to add up. */
export default class SummaryReporter implements Reporter {
  readonly #started = new Map<string, number>();
  readonly #ended = new Map<string, number>();

  onTestModuleStart({ project }: TestModule): void {
    if (!this.#started.has(project.name)) this.#started.set(project.name, performance.now());
  }

  onTestModuleEnd({ project }: TestModule): void {
    this.#ended.set(project.name, performance.now());
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const file = process.env['DCAE_SUMMARY'];
    if (!file) return;
    const summary: Summary = { passed: 0, failed: 0, skipped: 0, problems: errors.length, seconds: {} };
    for (const [name, end] of this.#ended) summary.seconds[name] = (end - (this.#started.get(name) ?? end)) / 1000;
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
