import type { Report } from './bench.ts';
import { roofline } from './roofline.ts';
import { table } from './table.ts';

/** The adapter's name without its driver's version, as part of a file's: `mesa-software-llvmpipe`. */
export function slug(adapter: string): string {
  return adapter
    .toLowerCase()
    .replace(/:.*|\(.*?\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** A report as the files that are kept of it. */
export function reportFiles(report: Report, where: 'Chromium' | 'Node'): { name: string; text: string }[] {
  const name = `${slug(report.adapter)}-${where.toLowerCase()}`;
  const command = `npm run bench${where === 'Node' ? ' -- --node' : ''}`;
  return [
    { name: `${name}.json`, text: `${JSON.stringify(report, null, 1)}\n` },
    { name: `${name}.md`, text: `${table(report, `\`${command}\` in ${where}`)}\n![roofline](${name}.svg)\n` },
    { name: `${name}.svg`, text: roofline(report) },
  ];
}
