// Shaders are linked while the project is built, so nothing of WESL is left at run time:
//
//     import code from '../../shaders/pack.wgsl?static&f16';   // plain WGSL, with `import`s resolved and @if(f16) taken
//     import forms from '../../shaders/conv.wgsl?stored&f16';  // the same for each way to store activations: forms.f32.f16 reads f32, writes f16
//
// `static` and `stored` ask for linking, and every further name is a condition that holds. Their types are in src/shaders.d.ts.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { link, withLoggerAsync, type LinkedWesl } from 'wesl/core';
import type { Plugin } from 'vite';

/** A place in a shader's source, counted from 1. */
export interface ShaderPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One shader under one set of conditions. */
export interface LinkedShader {
  /** Plain WGSL. */
  readonly code: string;
  /** Where a line and column of `code`, counted from 1, came from. */
  readonly origin: (line: number, column: number) => ShaderPosition;
}

/** A shader that doesn't link; the message begins with `file:line:column`. */
export class ShaderLinkError extends Error {
  override readonly name = 'ShaderLinkError';

  constructor(
    message: string,
    readonly position: ShaderPosition | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The sources of a shader folder, by path relative to it, with `/` between folders. */
export function readShaders(root: string): Record<string, string> {
  const sources: Record<string, string> = {};
  if (!existsSync(root)) return sources;
  for (const entry of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()) {
    if (entry.endsWith('.wgsl')) sources[entry.split(sep).join('/')] = readFileSync(join(root, entry), 'utf8');
  }
  return sources;
}

/** The names that the `@if`s of a source mention. */
export function conditionsOf(source: string): string[] {
  const expressions = [...source.matchAll(/@(?:el)?if\s*\(([^)]*)\)/g)].map((match) => match[1] ?? '');
  const names = expressions.flatMap((expression) => expression.match(/[A-Za-z_]\w*/g) ?? []);
  return [...new Set(names)].filter((name) => name !== 'true' && name !== 'false').sort();
}

/**
 * Chromium's experimental names, which wesl (0.7) takes for misspelt ones. They pass through it as builtins that no shader here uses.
 */
const EXPERIMENTAL: readonly (readonly [string, string])[] = [
  ['subgroup_matrix_left', 'texture_storage_1d'],
  ['subgroup_matrix_right', 'texture_storage_2d_array'],
  ['subgroup_matrix_result', 'texture_storage_3d'],
  ['subgroupMatrixLoad', 'subgroupExclusiveMul'],
  ['subgroupMatrixStore', 'subgroupInclusiveMul'],
  ['subgroupMatrixMultiplyAccumulate', 'subgroupShuffleXor'],
];

function replaceNames(text: string, names: readonly (readonly [string, string])[]): string {
  return names.reduce((out, [from, to]) => out.replace(new RegExp(`\\b${from}\\b`, 'g'), to), text);
}

/**
 * Links one shader of a folder.
 *
 * @param sources - what `readShaders` gave
 * @param name - the shader's path in `sources`
 * @param conditions - the conditions that hold
 * @param options - `folder`: what messages put before the path; `comments: false` leaves them out
 * @throws ShaderLinkError where the shader doesn't link, or no `@if` knows a condition
 */
export async function linkShader(
  sources: Readonly<Record<string, string>>,
  name: string,
  conditions: readonly string[],
  options: { folder?: string; comments?: boolean } = {},
): Promise<LinkedShader> {
  const folder = options.folder ?? 'shaders';
  const known = new Set(Object.values(sources).flatMap(conditionsOf));
  const unknown = conditions.find((condition) => !known.has(condition));
  if (unknown !== undefined) {
    const list = [...known].sort().join(', ');
    throw new ShaderLinkError(`${folder}/${name}:1:1: no @if knows '${unknown}', only: ${list || 'none'}`, undefined);
  }
  let linked: LinkedWesl;
  try {
    // wesl prints what it throws; once is enough
    const mute = () => {};
    linked = await withLoggerAsync(mute, () =>
      link({
        weslSrc: Object.fromEntries(
          Object.entries(sources).map(([file, source]) => [file, replaceNames(source, EXPERIMENTAL)]),
        ),
        rootModuleName: name.replace(/\.wgsl$/, ''),
        debugWeslRoot: folder,
        conditions: Object.fromEntries(conditions.map((condition) => [condition, true])),
        keepComments: options.comments ?? true,
      }),
    );
  } catch (error) {
    throw linkError(error, `${folder}/${name}`);
  }
  const wgsl = linked.dest;
  const code = replaceNames(wgsl, EXPERIMENTAL.map(([from, to]) => [to, from] as const)); // prettier-ignore
  const origin = (line: number, column: number): ShaderPosition => {
    const lines = code.split('\n').slice(0, line - 1);
    const offset = lines.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
    const { src, position } = linked.sourceMap.destToSrc(Math.min(offset, wgsl.length));
    const before = src.text.slice(0, position).split('\n');
    const file = ownName(src.path ?? `${folder}/${name}`);
    return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
  return { code, origin };
}

/**
 * Code cut where declarations begin, without blank lines and indentation. Put together with line ends between, the parts are the code again, however
 * they were cut; where shaders share a declaration, they share a part.
 */
export function partsOf(code: string): string[] {
  const lines = code.split('\n').map((line) => line.trimEnd());
  const parts: string[] = [];
  let begins = true;
  for (const line of lines.filter(Boolean)) {
    const text = line.trimStart();
    const top = text === line && !/^[})\]]/.test(line);
    if (begins || top) parts.push(text);
    else parts.push(`${parts.pop() ?? ''}\n${text}`);
    begins = false;
  }
  return parts;
}

/** How a shader's activations can be stored, and the conditions of shaders/quad.wgsl for that. */
export const storageForms = [
  { reads: 'f32', writes: 'f32', conditions: [] },
  { reads: 'f32', writes: 'f16', conditions: ['f16_out'] },
  { reads: 'f16', writes: 'f32', conditions: ['f16_in'] },
  { reads: 'f16', writes: 'f16', conditions: ['f16_in', 'f16_out'] },
] as const;

const PART = '\0wgsl-part:';

/**
 * The Vite plugin that answers `*.wgsl?static&…` and `*.wgsl?stored&…` imports. In a build each declaration that several shaders and variants share
 * is one module, which the bundle has once.
 */
export function weslStatic(root: string): Plugin {
  let building = false;
  const parts = new Map<string, string>();
  /** A module whose default export holds some codes: in what, `write` says, which is given them as JavaScript. */
  const module = (codes: readonly string[], write: (expressions: readonly string[]) => string): string => {
    const names = new Map<string, string>();
    const expressions = codes.map((code) => {
      if (!building) return JSON.stringify(code);
      const own = partsOf(code).map((part) => {
        const id = PART + createHash('sha256').update(part).digest('hex').slice(0, 16);
        parts.set(id, part);
        const name = names.get(id) ?? `p${names.size}`;
        names.set(id, name);
        return name;
      });
      return `[${own.join(', ')}].join('\\n')`;
    });
    const imports = [...names].map(([id, name]) => `import ${name} from ${JSON.stringify(id)};`);
    return [...imports, `export default ${write(expressions)};`].join('\n');
  };
  return {
    name: 'wesl-static',
    enforce: 'pre',
    configResolved(config) {
      building = config.command === 'build';
    },
    resolveId: (id) => (id.startsWith(PART) ? id : null),
    async load(id) {
      if (id.startsWith(PART)) return `export default ${JSON.stringify(parts.get(id))};`;
      const [file = '', query = ''] = id.split('?');
      const flags = [...new URLSearchParams(query).keys()];
      const stored = flags.includes('stored');
      if (!file.endsWith('.wgsl') || !(stored || flags.includes('static'))) return null;
      const sources = readShaders(root);
      for (const source of Object.keys(sources)) this.addWatchFile(join(root, source));
      const conditions = flags.filter((flag) => !['static', 'stored', 't', 'v'].includes(flag));
      const name = relative(root, file).split(sep).join('/');
      try {
        const link = async (more: readonly string[]): Promise<string> =>
          (await linkShader(sources, name, [...conditions, ...more], { comments: !building })).code;
        if (!stored) return { code: module([await link([])], ([code = '']) => code), map: null };
        const codes = await Promise.all(storageForms.map((form) => link(form.conditions)));
        const forms = ([full, out, into, both]: readonly string[]): string =>
          `{ f32: { f32: ${full}, f16: ${out} }, f16: { f32: ${into}, f16: ${both} } }`;
        return { code: module(codes, forms), map: null };
      } catch (error) {
        if (!(error instanceof ShaderLinkError)) throw error;
        const { position } = error;
        return this.error({
          message: error.message,
          ...(position && { loc: { file: position.file, line: position.line, column: position.column } }),
        });
      }
    },
  };
}

/** wesl calls every module `.wesl`; ours are `.wgsl`. */
function ownName(path: string): string {
  return path.replace(/\.wesl$/, '.wgsl');
}

/** A link error says where it is in its `weslLocation`, a syntax error in its message: `file:line:column error: …`. */
function linkError(error: unknown, path: string): ShaderLinkError {
  const [text = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const syntax = /^(.+):(\d+):(\d+) error: (.*)$/.exec(text);
  const location = syntax
    ? { file: syntax[1] ?? path, line: Number(syntax[2]), column: Number(syntax[3]) }
    : (error as { weslLocation?: ShaderPosition }).weslLocation;
  const message = syntax?.[4] ?? text.replace(/ in file: .*/, '');
  if (!location) return new ShaderLinkError(`${path}: ${message}`, undefined, { cause: error });
  const { line, column } = location;
  const file = ownName(location.file);
  return new ShaderLinkError(`${file}:${line}:${column}: ${message}`, { file, line, column }, { cause: error });
}
