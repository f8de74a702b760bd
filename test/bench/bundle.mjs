import { copyFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { root } from '../../scripts/setup.mjs';

/** Where Linux distributions keep the Vulkan loader. */
const LOADERS = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1', '/usr/lib/libvulkan.so.1'];

const README = `# The Node bench of dc-ae-webgpu, in one folder

    sh bench.sh                                       # every work, f32
    sh bench.sh --only 'SANA' --dtype f32,f16 --reps 9
    sh bench.sh --only 'conv|SANA' --dtype f32,f16 --kernels registers,subgroups,workgroup,half

For Linux on x86-64 with Node 20.19 or later and a GPU whose Vulkan driver is installed; nothing else is needed, no network and no checkpoint
(weights are made by hash). Writes <adapter>-node.json, .md and .svg into the folder where it is called.
VK_ICD_FILENAMES names a driver where the loader finds none by itself.
`;

// NVIDIA's driver in a container often comes without the file that tells the loader about it.
const SCRIPT = `#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
if [ -z "$VK_ICD_FILENAMES" ] && [ -z "$(ls /etc/vulkan/icd.d /usr/share/vulkan/icd.d 2>/dev/null | grep json)" ]; then
  export VK_ICD_FILENAMES="$here/nvidia_icd.json"
fi
exec node "$here/bench.mjs" "$@"
`;

/**
 * Writes the Node bench as a folder that needs no installation: code in one file, Dawn's addon, the Vulkan loader.
 *
 * @param {import('vite').ViteDevServer} server - what loads the project's TypeScript
 * @param {string} folder
 */
export async function bundle(server, folder) {
  const out = resolve(root, folder);
  const { weslStatic } = await server.ssrLoadModule('/.config/wesl.ts');
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    plugins: [weslStatic(join(root, 'shaders'))],
    ssr: { noExternal: true, external: ['webgpu'] },
    build: {
      ssr: join(root, 'test/bench/node_main.ts'),
      outDir: out,
      emptyOutDir: true,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'bench.mjs', codeSplitting: false } },
    },
  });
  const addon = join(out, 'node_modules/webgpu');
  const source = join(root, 'node_modules/webgpu');
  mkdirSync(join(addon, 'dist'), { recursive: true });
  for (const file of ['package.json', 'index.js', 'LICENSE.md']) copyFileSync(join(source, file), join(addon, file));
  cpSync(join(source, 'dist/linux-x64'), join(addon, 'dist/linux-x64'), { recursive: true });
  const loader = LOADERS.find((path) => existsSync(path));
  if (loader) copyFileSync(loader, join(out, 'libvulkan.so.1'));
  else console.log('No libvulkan.so.1 found here to carry along: the other machine needs its own (libvulkan1).');
  const icd = { file_format_version: '1.0.0', ICD: { library_path: 'libGLX_nvidia.so.0', api_version: '1.3.0' } };
  writeFileSync(join(out, 'nvidia_icd.json'), JSON.stringify(icd));
  writeFileSync(join(out, 'bench.sh'), SCRIPT, { mode: 0o755 });
  writeFileSync(join(out, 'README.md'), README);
  console.log(`${out}: run bench.sh there`);
}
