import { resolve } from 'node:path';
import { format } from 'prettier';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { pages, root } from './markdown.ts';

/** File extensions by the language of a snippet. Components are checked by their script. */
const EXTENSIONS: Readonly<Record<string, string>> = { ts: 'ts', tsx: 'tsx', js: 'ts', vue: 'ts', svelte: 'ts' };

/** The names that snippets use without declaring them. Svelte is not installed; its snippet needs only these two. */
const GLOBALS = `
declare const ae: import('dc-ae-webgpu').AutoencoderDC;
declare const photo: ImageBitmap;
declare const latents: Float32Array;
declare const canvas: HTMLCanvasElement;
declare function $props<T>(): T;
declare function $state<T>(): T | undefined;
declare module 'svelte' {
  export function onMount(mounted: () => () => void): void;
}`;

/** The snippets of all pages, by the path of a file that exists only in memory: `docs/guide/faq.md.20.ts`. */
function snippetFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { path, blocks } of pages()) {
    for (const { language, code, line } of blocks) {
      const extension = EXTENSIONS[language];
      if (extension === undefined) continue;
      const script = /<script[^>]*>\n([\s\S]*?)<\/script>/.exec(code)?.[1] ?? code;
      files.set(resolve(root, `${path}.${line}.${extension}`), script);
    }
  }
  return files;
}

/** Type errors of the snippets, each with its page and line. */
function typeErrors(snippets: ReadonlyMap<string, string>): string[] {
  const files = new Map([...snippets, [resolve(root, 'globals.d.ts'), GLOBALS]]);
  const { config } = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    types: ['@webgpu/types', 'node'],
    jsx: ts.JsxEmit.ReactJSX,
    noUnusedLocals: false,
  };
  const host = ts.createCompilerHost(compilerOptions);
  const { readFile, fileExists, getSourceFile } = host;
  host.readFile = (path) => files.get(path) ?? readFile(path);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const file = files.get(path);
    return file === undefined
      ? getSourceFile(path, languageVersion, ...rest)
      : ts.createSourceFile(path, file, languageVersion);
  };
  const shaders = resolve(root, 'src/shaders.d.ts');
  const program = ts.createProgram([...files.keys(), shaders], compilerOptions, host);
  return [...snippets.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map(({ messageText, start = 0 }) => {
      const [, page = '', line = '0'] = /^(.*\.md)\.(\d+)\.tsx?$/.exec(path.slice(root.length + 1)) ?? [];
      const offset = file?.getLineAndCharacterOfPosition(start).line ?? 0;
      return `${page}:${Number(line) + offset} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}

test('every snippet of the documentation type-checks against the package', () => {
  const snippets = snippetFiles();
  expect(snippets.size).toBeGreaterThan(20);
  // One wrong snippet among them shows that errors are found, with their line.
  const misspelt = '\nawait ae.decode({ data: latents, shape: [1, 32, 32, 32] }, { scalde: true });\nexport {};\n';
  snippets.set(resolve(root, 'misspelt.md.10.ts'), misspelt);
  expect(typeErrors(snippets)).toEqual([expect.stringMatching(/^misspelt\.md:11 .*'scalde' does not exist/)]);
});

test('snippets are formatted, in lines of at most 80 characters, which the site shows without scrolling', async () => {
  const problems: string[] = [];
  for (const { path, blocks } of pages()) {
    for (const { language, code, line } of blocks.filter(({ language }) => /^(tsx?|vue)$/.test(language))) {
      const parser = language === 'vue' ? 'vue' : 'typescript';
      const formatted = await format(code, { parser, singleQuote: true, printWidth: 80 });
      if (formatted !== code) problems.push(`${path}:${line} should be\n${formatted}`);
      if (code.split('\n').some(({ length }) => length > 80))
        problems.push(`${path}:${line} has a line of more than 80`);
    }
  }
  expect(problems).toEqual([]);
});
