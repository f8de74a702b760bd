// The Markdown files of the documentation: their code, links and headings.
import { readdirSync, readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** A fenced block of code. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** The line of the file on which the code begins, from 1. */
  readonly line: number;
}

/** A Markdown file. */
export interface Page {
  /** The path below the repository's root. */
  readonly path: string;
  readonly blocks: readonly CodeBlock[];
  /** Targets of links and images, as they are written. */
  readonly links: readonly string[];
  readonly headings: readonly string[];
  readonly text: string;
}

/** Every page of the documentation, without the generated API reference. */
export function pages(): Page[] {
  const paths = ['.', 'docs', 'docs/guide', 'examples'].flatMap((folder) =>
    readdirSync(resolve(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => posix.join(folder, name)),
  );
  return paths.sort().map(readPage);
}

/** Reads a Markdown file. */
export function readPage(path: string): Page {
  const text = readFileSync(resolve(root, path), 'utf8');
  const blocks: CodeBlock[] = [];
  const prose = text.replace(
    /^( *)```(\S*)[^\n]*\n([\s\S]*?)^ *```$/gm,
    (fence, indent: string, language: string, code: string, at: number) => {
      const line = text.slice(0, at).split('\n').length + 1;
      blocks.push({ language, code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''), line });
      return fence.replace(/[^\n]/g, '');
    },
  );
  const withoutCode = prose.replace(/`[^`\n]*`/g, '');
  const links = [...withoutCode.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  const headings = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return { path, blocks, links, headings, text };
}

/** The anchor that GitHub and npm give a heading. */
export function githubAnchor(heading: string): string {
  return plain(heading)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** The anchor that VitePress gives a heading. */
export function siteAnchor(heading: string): string {
  return plain(heading)
    .toLowerCase()
    .replace(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .replace(/^(\d)/, '_$1');
}

function plain(heading: string): string {
  return heading
    .replace(/`/g, '')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim();
}
