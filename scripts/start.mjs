// `npm start`: installs what is missing and serves the demo, in a browser where there is a desktop.
import { installDependencies, packageBin, run } from './setup.mjs';

const { env, platform } = process;
const desktop = platform === 'darwin' || platform === 'win32' || env['DISPLAY'] || env['WAYLAND_DISPLAY'];
const open = desktop && !env['CI'] && !env['SSH_CONNECTION'] ? ['--open'] : [];

if (await installDependencies()) {
  process.exitCode = await run(process.execPath, [
    packageBin('vite'),
    '--mode',
    'demo',
    ...open,
    ...process.argv.slice(2),
  ]);
} else {
  process.exitCode = 1;
}
