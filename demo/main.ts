/// <reference types="vite/types/importMeta.d.ts" />
import { startApp } from './app.ts';

void startApp();

// During development nothing is cached, so that edits are seen at once.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  navigator.serviceWorker.register(new URL('service_worker.js', document.baseURI)).catch(() => undefined);
}
