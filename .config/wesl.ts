// Links WGSL at build time, so no WESL code is needed at run time:
//
//     import code from '../../shaders/pack.wgsl?f16&link=static';    // plain WGSL: imports resolved, @if(f16) applied
//     import codes from '../../shaders/conv.wgsl?f16&link=stored'; // the same for each storage type: codes.f32.f16
// reads f32, writes f16
//     import code from '../../shaders/multiply_matrix.wgsl?link=none'; // the file as it is
//
// The conditions come first, `link` last. src/shaders.d.ts declares the types by the value of `link`.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { link, withLoggerAsync, type LinkedWesl } from 'wesl/core';
import type { Plugin } from 'vite';

/** A position in a shader's source, counted from 1. */
export interface ShaderPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One shader under one set of conditions. */
export interface LinkedShader {
  /** Plain WGSL. */
  readonly code: string;
  /** The source of a line and column of `code`, counted from 1. */
  readonly origin: (line: number, column: number) => ShaderPosition;
}

/** A shader does not link. The message begins with `file:line:column`. */
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

/** The names in the `@if`s of a source. */
export function conditionsOf(source: string): string[] {
  const expressions = [...source.matchAll(/@(?:el)?if\s*\(([^)]*)\)/g)].map((match) => match[1] ?? '');
  const names = expressions.flatMap((expression) => expression.match(/[A-Za-z_]\w*/g) ?? []);
  return [...new Set(names)].filter((name) => name !== 'true' && name !== 'false').sort();
}

/**
 * Links one shader of a folder.
 *
 * @param sources - the result of `readShaders`
 * @param name - the shader's path in `sources`
 * @param conditions - the conditions that hold
 * @param options - `folder`: the prefix of paths in messages; `comments: false` removes comments
 * @throws ShaderLinkError if the shader does not link or a condition is unknown
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
    throw new ShaderLinkError(
      `${folder}/${name}:1:1: no @if uses the condition '${unknown}'; known: ${list || 'none'}`,
      undefined,
    );
  }
  let linked: LinkedWesl;
  try {
    // wesl also prints the error that it throws.
    const mute = () => {};
    linked = await withLoggerAsync(mute, () =>
      link({
        weslSrc: { ...sources },
        rootModuleName: name.replace(/\.wgsl$/, ''),
        debugWeslRoot: folder,
        conditions: Object.fromEntries(conditions.map((condition) => [condition, true])),
        keepComments: options.comments ?? true,
      }),
    );
  } catch (error) {
    throw linkError(error, `${folder}/${name}`);
  }
  const { dest: code, sourceMap } = linked;
  const origin = (line: number, column: number): ShaderPosition => {
    const lines = code.split('\n').slice(0, line - 1);
    const offset = lines.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
    const { src, position } = sourceMap.destToSrc(Math.min(offset, code.length));
    const before = src.text.slice(0, position).split('\n');
    const file = wgslName(src.path ?? `${folder}/${name}`);
    return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  };
  return { code, origin };
}

/**
 * The top-level declarations of a shader, without blank lines and indentation. Joined with line ends they are the same
 * shader again. Shaders that share a declaration get equal strings.
 */
export function declarationsOf(code: string): string[] {
  const lines = code.split('\n').map((line) => line.trimEnd());
  const declarations: string[] = [];
  for (const line of lines.filter(Boolean)) {
    const text = line.trimStart();
    const begins = text === line && !/^[})\]]/.test(line);
    const last = declarations.pop();
    if (last === undefined) declarations.push(text);
    else if (begins) declarations.push(last, text);
    else declarations.push(`${last}\n${text}`);
  }
  return declarations;
}

/**
 * The additional conditions of each module that an import links, by the value of `link`. shaders/quad.wgsl uses them.
 */
export const LINKS = {
  /** One module. */
  static: [[]],
  /** By the storage type of the activations that it reads. */
  input: [[], ['f16_in']],
  /** By the storage type of the activations that it writes. */
  output: [[], ['f16_out']],
  /** By the storage type of its activations, if all have the same. */
  same: [[], ['f16_in', 'f16_out']],
  /** By the storage type of the activations that it reads, then of those that it writes. */
  stored: [[], ['f16_out'], ['f16_in'], ['f16_in', 'f16_out']],
} as const;

type Link = keyof typeof LINKS;

function isLink(name: string): name is Link {
  return Object.hasOwn(LINKS, name);
}

/** The exported value as JavaScript. `codes` are expressions in the order of `LINKS`. */
function exported(link: Link, codes: readonly string[]): string {
  const byType = ([f32 = '', f16 = '']: readonly string[]) => `{ f32: ${f32}, f16: ${f16} }`;
  if (link === 'static') return codes.join();
  if (link === 'stored') return byType([byType(codes.slice(0, 2)), byType(codes.slice(2))]);
  return byType(codes);
}

const DECLARATION = '\0wgsl-declaration:';

/**
 * The Vite plugin for `*.wgsl?…&link=…` imports. In a build, each declaration that several shaders and variants share
 * is one module, so the bundle contains it once.
 */
export function weslStatic(root: string): Plugin {
  let building = false;
  const declarations = new Map<string, string>();
  const moduleOf = (codes: readonly string[], write: (expressions: readonly string[]) => string): string => {
    const names = new Map<string, string>();
    const expressions = codes.map((code) => {
      if (!building) return JSON.stringify(code);
      const own = declarationsOf(code).map((declaration) => {
        const id = DECLARATION + createHash('sha256').update(declaration).digest('hex').slice(0, 16);
        declarations.set(id, declaration);
        const name = names.get(id) ?? `d${names.size}`;
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
    resolveId: (id) => (id.startsWith(DECLARATION) ? id : null),
    async load(id) {
      if (id.startsWith(DECLARATION)) return `export default ${JSON.stringify(declarations.get(id))};`;
      const [file = '', query = ''] = id.split('?');
      const search = new URLSearchParams(query);
      const kind = search.get('link');
      if (!file.endsWith('.wgsl') || kind === null) return null;
      const sources = readShaders(root);
      for (const source of Object.keys(sources)) this.addWatchFile(join(root, source));
      const name = relative(root, file).split(sep).join('/');
      if (kind === 'none') {
        const source = sources[name] ?? '';
        const code = building ? source.replace(/\/\/.*$/gm, '') : source;
        return { code: moduleOf([code], (codes) => codes.join()), map: null };
      }
      if (!isLink(kind)) return this.error(`${id}: link is one of none, ${Object.keys(LINKS).join(', ')}`);
      const conditions = [...search.keys()].filter((key) => !['link', 't', 'v'].includes(key));
      try {
        const codes = await Promise.all(
          LINKS[kind].map(async (more) => {
            const shader = await linkShader(sources, name, [...conditions, ...more], { comments: !building });
            return shader.code;
          }),
        );
        return { code: moduleOf(codes, (expressions) => exported(kind, expressions)), map: null };
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

/** wesl names every module `.wesl`; the files here end in `.wgsl`. */
function wgslName(path: string): string {
  return path.replace(/\.wesl$/, '.wgsl');
}

/**
 * wesl gives the position of a link error in `weslLocation`, and that of a syntax error in the message
 * `file:line:column error: …`.
 */
function linkError(error: unknown, path: string): ShaderLinkError {
  const [text = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const syntax = /^(.+):(\d+):(\d+) error: (.*)$/.exec(text);
  const location = syntax
    ? { file: syntax[1] ?? path, line: Number(syntax[2]), column: Number(syntax[3]) }
    : (error as { weslLocation?: ShaderPosition }).weslLocation;
  const message = syntax?.[4] ?? text.replace(/ in file: .*/, '');
  if (!location) return new ShaderLinkError(`${path}: ${message}`, undefined, { cause: error });
  const { line, column } = location;
  const file = wgslName(location.file);
  return new ShaderLinkError(`${file}:${line}:${column}: ${message}`, { file, line, column }, { cause: error });
}
