#!/usr/bin/env node
/** The entry point of the command `dc-ae-webgpu`. */
import { run } from './run.ts';
import { terminal } from './terminal.ts';

const status = await run(process.argv.slice(2), terminal);
await new Promise((resolve) => process.stdout.write('', resolve));
process.exit(status); // Dawn would keep the process alive.
