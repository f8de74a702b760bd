/// <reference types="vite/types/importMeta.d.ts" />
import { App } from './app.ts';

new App().start();

// In development nothing is kept: what one edits is what one sees.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // then not offline
  navigator.serviceWorker.register(new URL('service_worker.js', document.baseURI)).catch(() => undefined);
}
