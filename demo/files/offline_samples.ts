/** Samples that the browser stores for use without a network: the service worker answers with them. */
import { samples, sampleUrl } from './samples.ts';

/** The name of the cache: service_worker.ts. */
const CACHE = 'samples';

/** Stores all samples. @throws TypeError if one cannot be fetched */
export async function storeSamples(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(samples.map((sample) => sampleUrl(sample).href));
}

/** Whether all samples are stored. */
export async function areSamplesStored(): Promise<boolean> {
  const cache = await caches.open(CACHE);
  return (await cache.keys()).length >= samples.length;
}
