import { resolve } from 'node:path';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';
import { comments } from './comments_rule.js';

/**
 * The rooms of src, and the rooms that each may import from. Imports run one way; docs/architecture.md draws them.
 */
const rooms = {
  config: ['errors'],
  model: ['errors', 'config'],
  graph: ['errors', 'config', 'model'],
  kernels: ['errors', 'config', 'graph', 'gpu'],
  plan: ['errors', 'model', 'graph', 'kernels'],
  gpu: ['errors'],
  rpc: ['errors'],
  weights: ['brand', 'errors', 'options', 'config', 'model', 'rpc'],
  session: ['errors', 'graph', 'plan', 'kernels', 'gpu'],
  loading: ['errors', 'options', 'config', 'model', 'graph', 'plan', 'kernels', 'gpu', 'weights', 'session'],
  runtime: [
    'brand',
    'errors',
    'options',
    'config',
    'model',
    'graph',
    'plan',
    'kernels',
    'gpu',
    'weights',
    'session',
    'loading',
  ],
  codec: ['brand', 'errors', 'options', 'config', 'loading', 'runtime'],
  worker: [
    'brand',
    'errors',
    'options',
    'rpc',
    'codec',
    'config',
    'graph',
    'weights',
    'loading',
    'plan',
    'session',
    'runtime',
  ],
};

/** Rooms are folders, and single files have names of their own: `../weights.ts` inside a room is no other room. */
const elsewhere = (names) => `^(\\.\\./)+(${names.join('|')})(/|(?<=brand|errors|options|index)\\.ts$)`;

/** The folders of src/weights, and those that each may import from. */
const weightsFolders = {
  format: [],
  sources: ['format'],
  read: ['format', 'sources'],
  cache: ['sources', 'read'],
};

/** Forbids a room to import from the rooms that are not in `allowed`. */
const roomPattern = (room, allowed) => {
  const others = ['brand', 'errors', 'options', ...Object.keys(rooms)].filter(
    (name) => name !== room && !allowed.includes(name),
  );
  const message = `src/${room} may import from ${allowed.join(', ')} only: imports run one way.`;
  return { regex: elsewhere([...others, 'index', 'demo', 'test']), message };
};

const restrictImports = (files, patterns) => ({
  files: [files],
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
});

const directions = [
  ...Object.entries(rooms).map(([room, allowed]) =>
    restrictImports(`src/${room}/**/*.ts`, [roomPattern(room, allowed)]),
  ),
  ...Object.entries(weightsFolders).map(([folder, allowed]) => {
    const others = Object.keys(weightsFolders).filter((name) => name !== folder && !allowed.includes(name));
    const message = `src/weights/${folder} may import from ${allowed.join(', ') || 'no other folder'} only.`;
    const pattern = { regex: `^\\.\\./(${others.join('|')})/`, message };
    return restrictImports(`src/weights/${folder}/**/*.ts`, [roomPattern('weights', rooms.weights), pattern]);
  }),
];

/** A doc comment on every export; on the methods of exported classes too, where `methods`. */
const documented = (methods) => [
  'error',
  {
    publicOnly: true,
    require: { FunctionDeclaration: true, ClassDeclaration: true, MethodDefinition: methods },
    contexts: [
      'TSInterfaceDeclaration',
      'TSTypeAliasDeclaration',
      'TSEnumDeclaration',
      'ExportNamedDeclaration > VariableDeclaration',
    ],
    checkConstructors: false,
    checkSetters: false,
    enableFixer: false,
  },
];

/** Syntax that no TypeScript file of the package or the demo may contain. */
const castThroughUnknown = {
  selector:
    'TSAsExpression > TSAsExpression:matches([typeAnnotation.type="TSUnknownKeyword"], [typeAnnotation.type="TSAnyKeyword"])',
  message: 'A cast through unknown hides a mistake; write a type guard.',
};
const defaultExport = { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' };

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'dist-demo/',
      'dist-docs/',
      'docs/api/',
      'node_modules/',
      '.cache/',
      'test-output/',
      'test/fixtures/',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },

  {
    files: ['**/*.{js,mjs,ts}'],
    plugins: { house: { rules: { comments } } },
    rules: { 'house/comments': 'error' },
  },

  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strict, ...tseslint.configs.stylistic],
    languageOptions: {
      parserOptions: {
        project: ['tsconfig.json', 'test/tsconfig.json'],
        tsconfigRootDir: resolve(import.meta.dirname, '..'),
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-useless-constructor': 'off', // one may narrow a parameter
      'no-console': 'error',
      eqeqeq: 'error',
      'prefer-const': 'error',
      'max-lines': ['warn', { max: 320 }],
    },
  },

  {
    files: ['src/**/*.ts', 'demo/**/*.ts', 'cli/**/*.ts'],
    ignores: ['**/*.d.ts'],
    rules: { 'no-restricted-syntax': ['error', castThroughUnknown, defaultExport] },
  },

  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.d.ts'],
    plugins: { jsdoc },
    settings: { jsdoc: { mode: 'typescript' } },
    rules: {
      'jsdoc/require-jsdoc': documented(false),
      'jsdoc/check-tag-names': ['error', { definedTags: ['internal', 'remarks'] }],
      'jsdoc/no-types': 'error',
      'jsdoc/empty-tags': 'error',
    },
  },

  {
    // The public face: what a user calls is documented method by method.
    files: ['src/{runtime,worker,loading,codec,weights}/**/*.ts'],
    rules: { 'jsdoc/require-jsdoc': documented(true) },
  },

  ...directions,
  {
    files: ['src/errors.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ regex: '.', message: 'errors.ts imports nothing.' }] },
      ],
    },
  },
  {
    files: ['demo/**/*.ts', 'cli/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          // The demo's own workers talk over the library's channel, so that the repository has one RPC.
          patterns: [
            {
              regex: '(^|/)src(/(?!rpc/channel\\.ts$)|$)',
              message: "Use what users use: import from 'dc-ae-webgpu'.",
            },
          ],
        },
      ],
    },
  },

  {
    files: ['test/**/*.ts', 'vite.config.ts', '.config/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'off',
    },
  },
);
