import { createConnectTransport } from "@connectrpc/connect-web";
import { Hub } from "./hub";
import type { TabMessage } from "./messages";

// The worker that all tabs of a browser share. See Hub.
interface SharedScope {
  onconnect: ((event: MessageEvent) => void) | null;
  addEventListener(type: "online", listener: () => void): void;
  location: Location;
}

const scope = globalThis as unknown as SharedScope;
const hub = new Hub(
  createConnectTransport({ baseUrl: scope.location.origin, useBinaryFormat: true, defaultTimeoutMs: 15_000 }),
);

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (port) {
    const take = hub.join(port);
    port.onmessage = (e: MessageEvent<TabMessage>) => take(e.data);
  }
};
scope.addEventListener("online", () => hub.reconnect());
