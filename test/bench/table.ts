import type { ProfileEntry } from '../../src/session/profile.ts';
import type { Report, Row } from './bench.ts';

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–');
const digits = (value: number, count: number): string => (Number.isFinite(value) ? value.toFixed(count) : '–');

/** Head and cell of each column. */
const COLUMNS: readonly (readonly [string, (row: Row) => string])[] = [
  ['work', (row) => row.name],
  ['weights', (row) => row.dtype],
  ['GFLOP', (row) => digits(row.gflop, 2)],
  ['ms (median)', (row) => digits(row.ms, 1)],
  ['min', (row) => digits(row.min, 1)],
  ['GFLOP/s, effective', (row) => digits(row.rate, 1)],
  ['of FMA peak', (row) => percent(row.rate / row.peak)],
  ['actual', (row) => digits((row.rate * row.actualGflop) / row.gflop, 1)],
  ['of FMA peak', (row) => percent((row.rate * row.actualGflop) / row.gflop / row.peak)],
  ['peak', (row) => digits(row.peak, 0)],
  ['CPU ms', (row) => digits(row.cpuMs, 0)],
  ['of peak by CPU time', (row) => percent(row.cpuShare)],
  ['MiB moved', (row) => mib(row.bytes)],
  ['GB/s', (row) => digits(row.bandwidth, 1)],
  ['of copy', (row) => percent(row.bandwidth / row.copyBandwidth)],
  ['dispatches', (row) => String(row.dispatches)],
  ['pipelines', (row) => String(row.pipelines)],
  ['submits', (row) => String(row.submits)],
  ['compile ms', (row) => digits(row.compileMs, 0)],
  ['first result ms', (row) => digits(row.firstMs, 0)],
  ['JS ms', (row) => digits(row.jsMs, 2)],
  ['in one submit', (row) => digits(row.jsOneSubmitMs, 2)],
  ['planned / allocated MiB', (row) => `${mib(row.plannedBytes)} / ${mib(row.allocatedBytes)}`],
];

/** Lines of a Markdown table, columns aligned. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i] ?? '')].map(({ length }) => length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

/** Where the time of one work goes, kernel by kernel and stage by stage. */
function profileTable({ name, dtype, profile }: Row): string {
  const kernels = new Map<string, ProfileEntry>();
  for (const layer of profile.layers) {
    const kernel = layer.name.split(' ').at(-1) ?? '';
    const { ms, flops, bytes, dispatches } = kernels.get(kernel) ?? { ms: 0, flops: 0, bytes: 0, dispatches: 0 };
    kernels.set(kernel, {
      name: kernel,
      ms: ms + layer.ms,
      flops: flops + layer.flops,
      bytes: bytes + layer.bytes,
      dispatches: dispatches + layer.dispatches,
    });
  }
  const cells = ({ name: part, ms, flops, bytes, dispatches }: ProfileEntry): string[] => [
    part,
    digits(ms, 2),
    percent(ms / profile.ms),
    digits(flops / ms / 1e6, 1),
    digits(bytes / ms / 1e6, 1),
    String(dispatches),
  ];
  const rows = [...kernels.values(), ...profile.stages].map(cells);
  const head = ['kernel or stage', 'ms', 'share', 'GFLOP/s, actual', 'GB/s', 'dispatches'];
  return `## ${name}, ${dtype}, dispatch by dispatch (${profile.clock})\n\n${markdown(head, rows)}\n`;
}

/** A report as Markdown. */
export function table({ adapter, date, rows }: Report, how: string): string {
  const cells = rows.map((row) => COLUMNS.map(([, cell]) => cell(row)));
  const all = markdown(
    COLUMNS.map(([head]) => head),
    cells,
  );
  const networks = rows.filter(({ profile }) => profile.stages.length > 3);
  return [`# ${adapter}\n\n${how}, ${date}.\n\n${all}\n`, ...networks.map(profileTable)].join('\n');
}
