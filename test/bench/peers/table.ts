import { markdown } from '../table.ts';
import type { PeerReport } from './page.ts';

/**
 * A report as Markdown. `times ours` is by CPU time where that is known, which other load on the machine leaves alone.
 */
export function peerTable({ adapter, date, rows, failures }: PeerReport): string {
  const head = [
    'work',
    'GFLOP',
    'runtime',
    'ms',
    'CPU ms',
    'times ours',
    'first result ms',
    'GFLOP/s',
    'of FMA peak',
    'dispatches',
    'new pipelines',
    'error',
  ];
  const cells = rows.map((row) => {
    const ours = rows.find(({ work }) => work === row.work);
    const ratio = ours
      ? Number.isFinite(row.cpuMs) && ours.cpuMs > 0
        ? row.cpuMs / ours.cpuMs
        : row.ms / ours.ms
      : NaN;
    return [
      row.work,
      row.gflop.toFixed(2),
      `${row.peer} ${row.version}`.trim(),
      row.ms.toFixed(1),
      row.cpuMs.toFixed(0),
      ratio.toFixed(1),
      row.firstMs.toFixed(0),
      row.rate.toFixed(1),
      `${((100 * row.rate) / row.peak).toFixed(1)} %`,
      row.dispatches.toFixed(0),
      String(row.pipelines),
      row.error.toExponential(1),
    ];
  });
  const missing = failures.map(({ work, peer, reason }) => `- ${work}, ${peer}: ${reason.split('\n')[0] ?? ''}`);
  return [
    `# ${adapter}`,
    `\`npm run bench:peers\` in Chromium, ${date}. One browser, one adapter, the same weights and inputs; GFLOP by the direct algorithm; errors against this package's output.`,
    markdown(head, cells),
    ...(missing.length ? ['Not measured:', missing.join('\n')] : []),
  ]
    .join('\n\n')
    .concat('\n');
}
