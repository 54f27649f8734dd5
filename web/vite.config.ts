import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The API that `npm run dev` talks to; `postroom dev` prints its own.
const api = process.env.POSTROOM_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  html: { cspNonce: "__CSP_NONCE__" }, // web.go puts a new one into every answer
  build: {
    // web/build builds beside and moves the result to dist/app: a program that is compiled meanwhile never embeds half of it.
    outDir: "dist/app",
    // Browsers that have light-dark() of their own: the lowered form loses Mantine's borders and surfaces.
    target: ["chrome125", "edge125", "firefox128", "safari18"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: "es" },
  server: {
    proxy: { "^/(postroom\\.|content/)": { target: api, changeOrigin: true } },
  },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { settings: { disableIframePageLoading: true } } }, // there is no server
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    testTimeout: 20_000, // a whole page on a busy machine
  },
});
