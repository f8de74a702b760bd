/**
 * Types of `*.wgsl?…&link=…` imports. .config/wesl.ts links the shaders at build time and rejects unknown conditions.
 */
type CodeByStorage<T = string> = Readonly<Record<'f32' | 'f16', T>>;

declare module '*link=none' {
  const code: string;
  export default code;
}

declare module '*link=static' {
  const code: string;
  export default code;
}

declare module '*link=input' {
  const codes: CodeByStorage;
  export default codes;
}

declare module '*link=output' {
  const codes: CodeByStorage;
  export default codes;
}

declare module '*link=same' {
  const codes: CodeByStorage;
  export default codes;
}

declare module '*link=stored' {
  const codes: CodeByStorage<CodeByStorage>;
  export default codes;
}
