import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { problemOf } from "./problem";

/** Calls that take longer have failed for the person who waits; the same request can be repeated. */
const callTimeout = 15_000;

/** createTransport speaks Connect with the server that this page came from. onSessionLost hears that a call met no session any more. */
export function createTransport(onSessionLost: (reason: string) => void): Transport {
  const watchSession: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      const { reason } = problemOf(error);
      if (reason === "session_ended" || reason === "session_locked") {
        onSessionLost(reason);
      }
      throw error;
    }
  };
  return createConnectTransport({
    baseUrl: location.origin,
    useBinaryFormat: true,
    defaultTimeoutMs: callTimeout,
    interceptors: [watchSession],
  });
}
