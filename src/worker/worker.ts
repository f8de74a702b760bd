// The script of the worker that createWorkerClient() starts. Importing it in another worker makes that worker serve models, too.
import { serve } from './host.ts';

serve(self);
