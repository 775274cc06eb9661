// @ts-check
// The service worker of the static page: what was fetched once is there without a network. `FILES`: what every visit needs.
const VERSION = "/*VERSION*/", FILES = [/*FILES*/];
const me = /** @type {any} */ (self);

me.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(VERSION).then(cache => cache.addAll(FILES)).then(() => me.skipWaiting()));
});

me.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(caches.keys().then(names => Promise.all(
    names.filter(name => name !== VERSION && name.startsWith("latent-explorer-")).map(name => caches.delete(name)),
  )).then(() => me.clients.claim()));
});

me.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method === "GET" && new URL(event.request.url).origin === location.origin)
    event.respondWith(answer(event.request));
});

/** From the cache, else from the host, and then kept. A page's query is its state, and no other file. @param {Request} request */
async function answer(request) {
  const cache = await caches.open(VERSION);
  const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && request.mode !== "navigate") cache.put(request, response.clone());
  return response;
}
