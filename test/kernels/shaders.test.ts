// Every shader compiles in each variant that src imports. The linker resolves imports, conditions and source positions.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  declarationsOf,
  LINKS,
  linkShader,
  readShaders,
  ShaderLinkError,
  type LinkedShader,
} from '../../.config/wesl.ts';
import { startTint, type Tint } from '../support/tint.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = readShaders(join(root, 'shaders'));

/** The name and conditions of every module that src imports, as `pack.wgsl` or `pack.wgsl&f16`. */
function importedVariants(): string[] {
  const variants = new Set<string>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, name = '', conditions = '', link = ''] of text.matchAll(
      /shaders\/(\w+\.wgsl)\?((?:\w+&)*)link=(\w+)'/g,
    )) {
      const all = conditions.split('&').filter(Boolean);
      for (const more of LINKS[link as keyof typeof LINKS] ?? []) variants.add([name, ...all, ...more].join('&'));
    }
  }
  return [...variants].sort();
}

describe('every shader', () => {
  let tint: Tint;
  beforeAll(async () => {
    tint = await startTint();
  });
  afterAll(() => tint.close());

  /** The compiler's messages that matter, one a line. */
  async function report(code: string, origin: LinkedShader['origin']): Promise<string> {
    // The newest version of Chromium's experiment renames builtins, and the null backend's subgroups are larger than
    // 32.
    const known = /^use of deprecated builtin$|must be a multiple of the device maxSubgroupSize/;
    const messages = (await tint.check(code)).filter(({ message }) => !known.test(message));
    return messages
      .map(({ line, column, type, message }) => {
        const at = origin(line, column);
        return `${at.file}:${at.line}:${at.column}: ${type}: ${message}`;
      })
      .join('\n');
  }

  test.for(importedVariants())('compiles: %s', async (variant) => {
    const [name = '', ...conditions] = variant.split('&');
    const { code, origin } = await linkShader(sources, name, conditions);
    expect(await report(code, origin)).toBe('');
  });

  test.for(['f32', 'f16'])('compiles: multiply_matrix.wgsl for %s', async (type) => {
    const code = `${sources[`numbers_${type}.wgsl`]!}\n${sources['multiply_matrix.wgsl']!}`;
    const origin = (line: number, column: number) => ({ file: 'multiply_matrix', line, column });
    expect(await report(code, origin)).toBe('');
  });

  test('with an entry point is imported', () => {
    const imported = new Set(importedVariants().map((variant) => variant.split('&')[0]!));
    imported.add('multiply_matrix.wgsl'); // imported as it is
    const entries = Object.keys(sources).filter((name) => /@compute\b/.test(sources[name]!));
    expect(entries.filter((name) => !imported.has(name))).toEqual([]);
  });
});

describe('linking', () => {
  test('cuts shaders into declarations that variants share', async () => {
    const words = (code: string) => code.split(/\s+/).filter(Boolean).join(' ');
    const cut = async (...conditions: string[]) => {
      const { code } = await linkShader(sources, 'conv.wgsl', conditions, { comments: false });
      expect(words(declarationsOf(code).join('\n'))).toBe(words(code));
      return declarationsOf(code);
    };
    const plain = await cut();
    const shared = (await cut('f16')).filter((declaration) => plain.includes(declaration));
    expect(shared.length).toBeGreaterThan(0.8 * plain.length);
  });

  const link = (source: string, ...conditions: string[]) =>
    linkShader({ 'main.wgsl': source, 'shared.wgsl': 'fn two() -> u32 {\n  return 2u;\n}\n' }, 'main.wgsl', conditions);

  test('resolves imports to plain WGSL', async () => {
    const { code } = await link('import package::shared::two;\nfn four() -> u32 { return two() + two(); }');
    expect(code).toContain('fn two()');
    expect(code).not.toContain('import');
  });

  test('selects the branch whose condition holds', async () => {
    const source = '@if(f16) const bits = 16;\n@else const bits = 32;\n';
    expect((await link(source)).code).toContain('bits = 32');
    expect((await link(source, 'f16')).code).toContain('bits = 16');
  });

  test('maps a line of the result to its source', async () => {
    const { code, origin } = await link('import package::shared::two;\n\n\nfn four() -> u32 { return two() * 2; }\n');
    const lineOf = (text: string) => code.split('\n').findIndex((line) => line.includes(text)) + 1;
    expect(origin(lineOf('fn four'), 1)).toMatchObject({ file: 'shaders/main.wgsl', line: 4 });
    expect(origin(lineOf('return 2u'), 3)).toMatchObject({ file: 'shaders/shared.wgsl', line: 2 });
  });

  test('fails with file, line and column', async () => {
    const missing = link('\nimport package::shared::three;\nfn six() -> u32 { return three() * 2u; }\n');
    await expect(missing).rejects.toThrow(ShaderLinkError);
    await expect(missing).rejects.toThrow(/^shaders\/main\.wgsl:\d+:\d+: /);
    await expect(link('fn f() {\n  let x = ;\n}')).rejects.toThrow(/^shaders\/main\.wgsl:2:\d+: /);
  });

  test('fails for an unknown condition', async () => {
    await expect(link('@if(f16) const a = 1;', 'fp16')).rejects.toThrow("no @if uses the condition 'fp16'; known: f16");
  });
});
