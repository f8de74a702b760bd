import 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The adapter that this browser runs on. */
    adapter: 'swiftshader' | 'lavapipe' | 'default';
    /** Where the built demo is served, with a strict CSP. */
    demoUrl: string;
    /** Where the page of the loading tests is served. */
    pageUrl: string;
  }
}
