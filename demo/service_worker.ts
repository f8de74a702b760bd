/**
 * Keeps the page for when there is no network, and takes in what other apps share with it. Weights are none of its
 * business: the library keeps those itself, by ranges.
 *
 * A newer version waits until no tab shows the older one: a page always finds the chunks that it was built with.
 */

/** Put in by the build: the files of this version, and a word that tells it from others. */
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

/** From this version's files; all else, such as weights and large encoders, from the network. */
async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(PAGES);
  // Hosts that say `Vary: Origin` send the same bytes to all the same.
  return (await cache.match(request, { ignoreVary: true })) ?? (await fetch(request));
}

/** Leaves shared files where the page finds them, and sends the reader there. */
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
