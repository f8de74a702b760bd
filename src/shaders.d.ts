/**
 * WGSL linked while the project is built: `import code from '../../shaders/conv.wgsl?static&f16'`.
 *
 * `static` comes first, then the conditions that hold (the names in the shaders' `@if`s). A pattern matches by the last
 * of them, so each condition that exists is declared here once, and a misspelt one doesn't type-check.
 */
declare module '*.wgsl?static' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&wide' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&wide' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&lanes' {
  const code: string;
  export default code;
}
