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

declare module '*.wgsl?static&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&subgroups' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&subgroups' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&resample&subgroups' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&resample&subgroups' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&multiply' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&multiply&subgroups' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&half' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&half&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&half&multiply' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&half&multiply&matrix' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&multiply&matrix' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f2' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f4' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&phases' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&f2' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&f4' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f16&phases' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f2&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f4&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&phases&resample' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&lanes' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f2&norm' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&f4&norm' {
  const code: string;
  export default code;
}
