// The worker that createWorkerClient() starts; `import 'dc-ae-webgpu/worker'` makes one of any other.
import { serve } from './host.ts';

serve(self);
