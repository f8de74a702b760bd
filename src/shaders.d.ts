/**
 * WGSL linked while the project is built: `import code from '../../shaders/pack.wgsl?static&f16'`, and `?stored` for a shader that reads or
 * writes activations, in each of its forms.
 *
 * `static` or `stored` comes first, then the conditions that hold (the names in the shaders' `@if`s). A pattern matches by the last
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

declare module '*.wgsl?static&multiply' {
  const code: string;
  export default code;
}

declare module '*.wgsl?static&multiply&subgroups' {
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

/** By how what it reads is stored, then by how what it writes is. */
type StoredCode = Readonly<Record<'f32' | 'f16', Readonly<Record<'f32' | 'f16', string>>>>;

declare module '*.wgsl?stored' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16&half' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16&half&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&subgroups' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16&subgroups' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&resample&subgroups' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f16&resample&subgroups' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f2' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f4' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&phases' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f2&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f4&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&phases&resample' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f2&norm' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&f4&norm' {
  const forms: StoredCode;
  export default forms;
}

declare module '*.wgsl?stored&lanes' {
  const forms: StoredCode;
  export default forms;
}
