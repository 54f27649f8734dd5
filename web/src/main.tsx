import "@mantine/core/styles.css";
import "./ui/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { startLanguages } from "./i18n";
import { openLive } from "./live/source";
import { LiveStore } from "./live/store";
import { SessionWatch } from "./rpc/sessionWatch";
import { createTransport } from "./rpc/transport";
import { styleNonce } from "./ui/nonce";

// The component library writes style elements; some of its parts ask this name for the nonce of the page's policy.
Object.assign(globalThis, { __webpack_nonce__: styleNonce() });

const watch = new SessionWatch();
const transport = createTransport(watch.report);
const live = new LiveStore(openLive(transport));

await startLanguages();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App transport={transport} live={live} watch={watch} />
    </StrictMode>,
  );
}
