// A minimal app for each tool that web developers bundle and serve with.

/** A tool, and how an app is built and served with it. */
export interface Tool {
  readonly name: string;
  /** Packages to install, with the range of versions. */
  readonly packages: readonly string[];
  /** Files of the app beside main.js and index.html. */
  readonly files?: Readonly<Record<string, string>>;
  /** The line that the app needs for the worker, if any. */
  readonly line?: string;
  /** Commands that build the app. The first word is a command of an installed package. */
  readonly build: readonly (readonly string[])[];
  /** The folder of the built app, relative to the app. */
  readonly out: string;
  /** Files to copy into the built app. */
  readonly copy?: readonly string[];
  /** Starts the development server. */
  readonly dev?: (port: string) => readonly string[];
}

const VITE_CONFIG = `export default { optimizeDeps: { exclude: ['dc-ae-webgpu'] } };\n`;

function vite(major: number): Tool {
  const excludes = major < 8;
  return {
    name: `Vite ${major}`,
    packages: [`vite@${major}`],
    ...(excludes && {
      files: { 'vite.config.js': VITE_CONFIG },
      line: "dev: `optimizeDeps: { exclude: ['dc-ae-webgpu'] }`",
    }),
    build: [['vite', 'build']],
    out: 'dist',
    dev: (port) => ['vite', '--host', '127.0.0.1', '--port', port, '--strictPort'],
  };
}

const NEXT_FILES = {
  'next.config.mjs': "export default { output: 'export', turbopack: { root: import.meta.dirname } };\n",
  'app/layout.jsx': `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}\n`,
  'app/page.jsx': `'use client';
import { useEffect } from 'react';
export default function Page() {
  useEffect(() => void import('../main.js'), []);
  return null;
}\n`,
};

function next(bundler: 'turbopack' | 'webpack'): Tool {
  return {
    name: `Next 16, ${bundler}`,
    packages: ['next@16', 'react', 'react-dom'],
    files: NEXT_FILES,
    build: [['next', 'build', `--${bundler}`]],
    out: 'out',
    dev: (port) => ['next', 'dev', `--${bundler}`, '--hostname', '127.0.0.1', '--port', port],
  };
}

const WEBPACK_PAGE = '<!doctype html><link rel="icon" href="data:,"><script defer src="main.js"></script>\n';

/** The command line that gives the worker a file of its own, beside the bundle. */
const WORKER_ENTRY = 'worker=dc-ae-webgpu/worker';

/** Every tool that is tried. */
export const TOOLS: readonly Tool[] = [
  vite(5),
  vite(6),
  vite(7),
  vite(8),
  {
    name: 'webpack 5',
    packages: ['webpack@5', 'webpack-cli', 'webpack-dev-server@5'],
    files: { 'public/index.html': WEBPACK_PAGE },
    build: [['webpack', '--mode', 'production', '--entry', './main.js']],
    out: 'dist',
    copy: ['public/index.html'],
    dev: (port) => {
      const server = ['--mode', 'development', '--entry', './main.js', '--static', 'public', '--port', port];
      return ['webpack', 'serve', ...server, '--host', '127.0.0.1'];
    },
  },
  {
    name: 'esbuild',
    packages: ['esbuild'],
    line: `\`${WORKER_ENTRY}\` as a second entry point`,
    build: [['esbuild', 'main.js', WORKER_ENTRY, '--bundle', '--format=esm', '--minify', '--outdir=dist']],
    out: 'dist',
    copy: ['index.html'],
    dev: (port) => {
      const bundle = ['main.js', WORKER_ENTRY, '--bundle', '--format=esm', '--outdir=served', '--servedir=served'];
      return ['esbuild', ...bundle, `--serve=127.0.0.1:${port}`];
    },
  },
  {
    name: 'Rollup 4',
    packages: ['rollup@4', '@rollup/plugin-node-resolve'],
    line: `\`${WORKER_ENTRY}\` as a second input`,
    build: [['rollup', '-p', '@rollup/plugin-node-resolve', '-i', 'main.js', '-i', WORKER_ENTRY, '-d', 'dist']],
    out: 'dist',
    copy: ['index.html'],
  },
  {
    name: 'Parcel 2',
    packages: ['parcel@2'],
    build: [['parcel', 'build', 'index.html', '--public-url', './', '--no-cache']],
    out: 'dist',
    dev: (port) => ['parcel', 'serve', 'index.html', '--host', '127.0.0.1', '--port', port, '--no-cache'],
  },
  next('turbopack'),
  next('webpack'),
];
