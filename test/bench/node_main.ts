// The bundle's entry: benches in Node and writes the files where it is called.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { reportFiles } from './files.ts';
import { benchNode } from './node.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    dtype: { type: 'string', default: 'f32' },
    kernels: { type: 'string', default: '' },
    reps: { type: 'string', default: '7' },
  },
});
const report = await benchNode({
  only: values.only,
  dtypes: values.dtype.split(',').map((dtype) => (dtype === 'f16' ? 'f16' : 'f32')),
  kernels: values.kernels.split(',').filter(Boolean),
  reps: Number(values.reps),
});
for (const { name, text } of reportFiles(report, 'Node')) {
  writeFileSync(name, text);
  if (name.endsWith('.md')) console.log(text);
}
process.exit(0); // Dawn in Node keeps the process alive
