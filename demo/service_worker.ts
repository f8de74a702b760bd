/**
 * Keeps the page for use without a network, and receives files that other apps share with it. The library itself keeps
 * weights.
 *
 * A newer version waits until no tab shows the older one: a page always finds the chunks that it was built with.
 */

/** The files of this version and a hash of them; the build fills them in. */
declare const __PRECACHE__: { readonly version: string; readonly files: readonly string[] };

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}

interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

declare const clients: { claim(): Promise<void> };

const { version, files } = __PRECACHE__;
const PAGES = `page-${version}`;
/** Read by the page: intake.ts. */
const SHARED = 'shared';
/** Filled by the page: offline_samples.ts. */
const SAMPLES = 'samples';
const scope = new URL('./', location.href);

addEventListener('install', (event) => extend(event, install()));
addEventListener('activate', (event) => extend(event, activate()));
addEventListener('fetch', (event) => {
  if (!isFetch(event)) return;
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.method === 'POST' && url.href === new URL('share', scope).href) event.respondWith(share(request));
  else if (request.mode === 'navigate') event.respondWith(answer(new Request(scope)));
  else if (request.method === 'GET' && !request.headers.has('range')) event.respondWith(answer(request));
});

async function install(): Promise<void> {
  const cache = await caches.open(PAGES);
  await cache.addAll(files.map((file) => new URL(file, scope).href));
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name !== PAGES && name.startsWith('page-')) await caches.delete(name);
  }
  await clients.claim();
}

/** Answers with a file of this version or a stored sample; fetches all else, such as weights and large encoders. */
async function answer(request: Request): Promise<Response> {
  for (const name of [PAGES, SAMPLES]) {
    const cache = await caches.open(name);
    // Hosts that say `Vary: Origin` send the same bytes to every page.
    const stored = await cache.match(request, { ignoreVary: true });
    if (stored) return stored;
  }
  return await fetch(request);
}

/** Stores shared files for the page, and opens the page. */
async function share(request: Request): Promise<Response> {
  const form = await request.formData();
  const cache = await caches.open(SHARED);
  for (const [i, file] of form.getAll('file').entries()) {
    if (!(file instanceof File)) continue;
    const headers = { 'content-type': file.type };
    await cache.put(new URL(`shared/${i}/${encodeURIComponent(file.name)}`, scope), new Response(file, { headers }));
  }
  return Response.redirect(new URL('?shared', scope).href, 303);
}

function extend(event: Event, work: Promise<unknown>): void {
  if ('waitUntil' in event && typeof event.waitUntil === 'function') event.waitUntil(work);
}

function isFetch(event: Event): event is FetchEvent {
  return 'respondWith' in event && 'request' in event;
}
