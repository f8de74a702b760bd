/** The panel “Use offline”: storing the samples. */
import { onPress, setText } from '../dom.ts';
import { areSamplesStored, storeSamples } from '../files/offline_samples.ts';

const STORED = 'All samples are stored.';

/** Lets the samples be stored. A browser without service workers, or an insecure page, has no use for them. */
export function offlinePanel(): void {
  const button = onPress('#store-samples', () => void store());
  if (!('caches' in globalThis)) button.hidden = true;
  else void areSamplesStored().then((stored) => stored && done());

  async function store(): Promise<void> {
    button.disabled = true;
    setText('#samples-stored', 'Storing …');
    await storeSamples().then(done, () => {
      button.disabled = false;
      setText('#samples-stored', 'The samples could not be fetched. Connect to the internet, then try again.');
    });
  }

  function done(): void {
    button.hidden = true;
    setText('#samples-stored', STORED);
  }
}
