// The worker that createWorkerClient() starts.
import { serve } from './host.ts';

serve(self);
