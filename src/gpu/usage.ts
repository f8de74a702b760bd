// GPUBufferUsage and the other flags are globals only in browsers. A device from Node may come without them.
// Values: https://www.w3.org/TR/webgpu/#namespacedef-gpubufferusage

/** `GPUBufferUsage`. */
export const BufferUsage = {
  MAP_READ: 0x0001,
  COPY_SRC: 0x0004,
  COPY_DST: 0x0008,
  UNIFORM: 0x0040,
  STORAGE: 0x0080,
  QUERY_RESOLVE: 0x0200,
} as const;

/** `GPUTextureUsage`. */
export const TextureUsage = {
  COPY_SRC: 0x01,
  COPY_DST: 0x02,
  TEXTURE_BINDING: 0x04,
  STORAGE_BINDING: 0x08,
  RENDER_ATTACHMENT: 0x10,
} as const;

/** `GPUMapMode`. */
export const MapMode = { READ: 0x0001 } as const;

/** `GPUShaderStage`. */
export const ShaderStage = { COMPUTE: 0x4 } as const;
