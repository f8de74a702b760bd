import { existsSync, readFileSync, statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { githubAnchor, pages, readPage, root, siteAnchor } from './markdown.ts';
import { networkSizes } from './network_sizes.ts';

/** Problems of a link on a page. */
function problemsOf(page: string, link: string): string[] {
  const problem = (text: string): string[] => [`${page}: ${link} ${text}`];
  if (/^[a-z]+:/.test(link)) {
    return URL.canParse(link) && link.startsWith('https://') ? [] : problem('is not an https address');
  }
  if (link.startsWith('/')) return problem('is absolute: it works neither on GitHub nor on npm');
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(resolve(root, target))) return problem(`leads to ${target}, which does not exist`);
  if (anchor === undefined) return [];
  const { headings } = readPage(target);
  if (!headings.some((heading) => githubAnchor(heading) === anchor)) return problem('has no such heading');
  // One link serves the repository and the site.
  return headings.some((heading) => siteAnchor(heading) === anchor) ? [] : problem('has another anchor on the site');
}

describe('the documentation', () => {
  test('has links that resolve, anchors included', () => {
    const all = pages();
    expect(all.length).toBeGreaterThan(15);
    expect(all.flatMap(({ path, links }) => links.flatMap((link) => problemsOf(path, link)))).toEqual([]);
  });

  test('has every guide in the navigation of the site, and a snippet in every guide', () => {
    const config = readFileSync(resolve(root, 'docs/.vitepress/config.ts'), 'utf8');
    const guides = pages().filter(({ path }) => path.startsWith('docs/guide/'));
    expect(guides.filter(({ path }) => !config.includes(`'${posix.basename(path, '.md')}'`))).toEqual([]);
    const bare = guides.filter(({ blocks }) => !blocks.some(({ language }) => /^(tsx?|vue)$/.test(language)));
    expect(bare.map(({ path }) => path)).toEqual([]);
  });
});

describe('README.md', () => {
  test('has at most 700 words and a picture of less than 200 kB', () => {
    const { text, links } = readPage('README.md');
    expect(text.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(700);
    const [picture = ''] = links.filter((link) => /\.(jpg|png)$/.test(link));
    expect(statSync(resolve(root, picture)).size).toBeLessThan(200_000);
  });
});

/** Compares megabytes of a table with bytes, to within a tenth. */
function expectMegabytes(cell: string | undefined, bytes: number, what: string): void {
  const ratio = Number(cell) / (bytes / 1e6);
  expect(ratio, `${what}: the table says ${cell} MB, the planner ${(bytes / 1e6).toFixed(2)} MB`).toBeGreaterThan(0.9);
  expect(ratio, `${what}: the table says ${cell} MB, the planner ${(bytes / 1e6).toFixed(2)} MB`).toBeLessThan(1.1);
}

/** The cells of the rows of a page's tables that begin with a checkpoint. */
function checkpointRows(path: string): string[][] {
  const rows = readPage(path).text.matchAll(/^\| \[?`?(dc-ae-[\w.-]+|nano)\b.*$/gm);
  return [...rows].map(([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function sizesOf(name: string) {
  const id = /dc-ae-[\w.-]+\w/.exec(name)?.[0];
  return networkSizes(id === undefined ? 'nano' : `mit-han-lab/${id}-diffusers`);
}

describe('the tables of checkpoints', () => {
  test("in README.md state the decoder's weights in f16 and its activations", () => {
    const rows = checkpointRows('README.md');
    expect(rows.length).toBe(6);
    for (const [name = '', , , gpu = ''] of rows) {
      const [weights, activations] = gpu.split(' + ');
      const { decoder } = sizesOf(name);
      expectMegabytes(weights, decoder.weights.f16, `${name}, weights`);
      expectMegabytes(activations, decoder.activations.f32, `${name}, activations`);
    }
  });

  test('in the guide state the sizes of each network', () => {
    const rows = checkpointRows('docs/guide/checkpoints.md');
    expect(rows.length).toBe(11);
    for (const [name = '', , ...cells] of rows) {
      const { weights, activations } = sizesOf(name)[name.endsWith('encoder') ? 'encoder' : 'decoder'];
      const bytes = [weights.f32, weights.f16, activations.f32, activations.f16];
      bytes.forEach((size, i) => expectMegabytes(cells[i], size, `${name}, column ${i + 3}`));
    }
  });
});
