import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionsOf, linkShader, partsOf, readShaders, ShaderLinkError, storageForms } from '../../.config/wesl.ts';
import { startTint, type Tint } from '../support/tint.ts';

const root = resolve(import.meta.dirname, '../..');
const sources = readShaders(join(root, 'shaders'));

/** The variants that src imports, as `pack.wgsl` or `pack.wgsl&f16`; each form of one that is stored. */
function importedVariants(): Set<string> {
  const variants = new Set<string>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const [, name = '', kind, query = ''] of text.matchAll(
      /shaders\/([\w/]+\.wgsl)\?(static|stored)((?:&\w+)*)'/g,
    )) {
      const forms = kind === 'stored' ? storageForms : [{ conditions: [] }];
      for (const { conditions } of forms) variants.add([name + query, ...conditions].join('&'));
    }
  }
  return variants;
}

/** Every shader with an entry point: in the variants that src imports, or else plain and under each of its own conditions. */
function allVariants(): string[] {
  const imported = importedVariants();
  const pending = Object.entries(sources)
    .filter(
      ([name, source]) => /@compute\b/.test(source) && ![...imported].some((variant) => variant.split('&')[0] === name),
    )
    .flatMap(([name, source]) => [name, ...conditionsOf(source).map((condition) => `${name}&${condition}`)]);
  return [...imported, ...pending].sort();
}

describe('every shader', () => {
  let tint: Tint;
  beforeAll(async () => {
    tint = await startTint();
  });
  afterAll(() => tint.close());

  test.for(allVariants())('compiles: %s', async (variant) => {
    const [name = '', ...conditions] = variant.split('&');
    const { code, origin } = await linkShader(sources, name, conditions);
    const messages = await tint.check(code);
    // Chromium's experiment with matrices: its newest version wants other names than those in use know, and the null backend's subgroups are larger
    // than those that the kernel is for.
    const known = /^use of deprecated builtin$|must be a multiple of the device maxSubgroupSize/;
    const worthwhile = messages.filter(({ message }) => !known.test(message));
    const report = worthwhile.map(({ line, column, type, message }) => {
      const at = origin(line, column);
      return `${at.file}:${at.line}:${at.column}: ${type}: ${message}`;
    });
    expect(report.join('\n')).toBe('');
  });
});

describe('linking', () => {
  test('cuts shaders into parts that are the shader again, and that variants share', async () => {
    const words = (code: string) => code.split(/\s+/).filter(Boolean).join(' ');
    const cut = async (...conditions: string[]) => {
      const { code } = await linkShader(sources, 'conv.wgsl', conditions, { comments: false });
      expect(words(partsOf(code).join('\n'))).toBe(words(code));
      return partsOf(code);
    };
    const plain = await cut();
    const shared = (await cut('f16')).filter((part) => plain.includes(part));
    expect(shared.length).toBeGreaterThan(0.8 * plain.length);
  });

  const link = (source: string, ...conditions: string[]) =>
    linkShader({ 'main.wgsl': source, 'shared.wgsl': 'fn two() -> u32 {\n  return 2u;\n}\n' }, 'main.wgsl', conditions);

  test('brings in what is imported, and leaves plain WGSL', async () => {
    const { code } = await link('import package::shared::two;\nfn four() -> u32 { return two() + two(); }');
    expect(code).toContain('fn two()');
    expect(code).not.toContain('import');
  });

  test('takes the branch of a condition that holds', async () => {
    const source = '@if(f16) const bits = 16;\n@else const bits = 32;\n';
    expect((await link(source)).code).toContain('bits = 32');
    expect((await link(source, 'f16')).code).toContain('bits = 16');
  });

  test('finds the line that a line of the result came from', async () => {
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

  test('fails for a condition that no shader knows', async () => {
    await expect(link('@if(f16) const a = 1;', 'fp16')).rejects.toThrow("no @if knows 'fp16', only: f16");
  });
});
