import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The adapter of this browser. */
    adapter: 'swiftshader' | 'lavapipe' | 'firefox' | 'default';
    /** The amount of storage types, algorithms and kernel variants that a test runs. */
    variants: 'all' | 'some' | 'few';
    /** The address of the built demo, which has a strict CSP. */
    demoUrl: string;
    /** The address of the loading tests' page. */
    pageUrl: string;
  }
}
