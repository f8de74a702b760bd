import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The adapter that this browser runs on. */
    adapter: 'swiftshader' | 'lavapipe' | 'firefox' | 'default';
    /** How many combinations of storage types, algorithms and kernel variants a test runs. */
    variants: 'all' | 'some' | 'few' | 'fewest';
    /** Where the built demo is served, with a strict CSP. */
    demoUrl: string;
    /** Where the page of the loading tests is served. */
    pageUrl: string;
  }
}
