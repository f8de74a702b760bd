// The script of the worker that createWorkerClient() starts. Another worker that imports it serves models, too.
import { serve } from './host.ts';

serve(self);
