// The documentation's site: `npm run docs` builds it, `npm run docs:dev` serves it while you write.
import { existsSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { MarkdownOptions } from 'vitepress';
import { defineConfig } from 'vitepress';

const root = resolve(import.meta.dirname, '../..');

interface PackageFacts {
  readonly description: string;
  readonly repository: { readonly url: string };
}

const { description, repository }: PackageFacts = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));

/** The repository's page. */
const repositoryUrl = repository.url.replace(/^git\+|\.git$/g, '');

/** Pages that include a file of the repository's root. Their links are relative to that root. */
const ROOT_PAGES: Readonly<Record<string, string>> = {
  'CONTRIBUTING.md': '/contributing',
  'CHANGELOG.md': '/changelog',
};

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0];

/**
 * Lets links of the Markdown files work on the site as they do in the repository: a link to a file outside of docs/
 * leads to the repository, or to the page that includes the file.
 */
function repositoryLinks(markdown: MarkdownIt): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const page = String(env.relativePath ?? '');
    const folder = Object.values(ROOT_PAGES).includes(`/${page.replace(/\.md$/, '')}`)
      ? ''
      : posix.join('docs', posix.dirname(page));
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href === null || /^([a-z]+:|#|\/)/.test(href)) continue;
      const [path = '', anchor] = href.split('#');
      token.attrSet('href', siteLink(posix.join(folder, path)) + (anchor === undefined ? '' : `#${anchor}`));
    }
  });
}

/** The address of a file of the repository on the site. */
function siteLink(path: string): string {
  const page = ROOT_PAGES[path];
  if (page !== undefined) return page;
  if (path.startsWith('examples/')) return '/examples';
  if (path.startsWith('docs/')) return `/${path.slice('docs/'.length)}`;
  return `${repositoryUrl}/blob/HEAD/${path}`;
}

const guide = (text: string, name: string) => ({ text, link: `/guide/${name}` });

const apiSidebar = resolve(import.meta.dirname, '../api/typedoc-sidebar.json');

export default defineConfig({
  title: 'dc-ae-webgpu',
  description,
  srcDir: '.',
  outDir: resolve(root, 'dist-docs'),
  cacheDir: resolve(root, '.cache/vitepress'),
  cleanUrls: false,
  base: process.env['DOCS_BASE'] ?? '/',
  markdown: { config: repositoryLinks },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/getting_started', activeMatch: '^/guide/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Architecture', link: '/architecture' },
      { text: 'Changelog', link: '/changelog' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          guide('Getting started', 'getting_started'),
          guide('Bundlers and hosts', 'bundlers_and_hosts'),
          guide('React, Vue, Svelte', 'frameworks'),
          guide('Node and servers', 'node_and_servers'),
          guide('Checkpoints', 'checkpoints'),
          { text: 'Examples', link: '/examples' },
        ],
      },
      {
        text: 'Use',
        items: [
          guide('Loading and cache', 'loading_and_cache'),
          guide('Any size and memory', 'size_and_memory'),
          guide('Precision', 'precision'),
          guide('Workers and lifetimes', 'workers_and_lifetimes'),
          guide('Codec', 'codec'),
          guide('Performance', 'performance'),
        ],
      },
      {
        text: 'Help',
        items: [guide('Errors and remedies', 'errors'), guide('FAQ', 'faq'), guide('The demo', 'demo')],
      },
      {
        text: 'API reference',
        collapsed: true,
        items: existsSync(apiSidebar) ? JSON.parse(readFileSync(apiSidebar, 'utf8')) : [],
      },
      {
        text: 'Inside',
        items: [
          { text: 'Architecture', link: '/architecture' },
          { text: 'The .dcae format', link: '/dcae-format' },
          { text: 'Contributing', link: '/contributing' },
          { text: 'Changelog', link: '/changelog' },
        ],
      },
    ],
    socialLinks: [{ icon: 'github', link: repositoryUrl }],
    footer: { message: 'Apache-2.0' },
  },
});
