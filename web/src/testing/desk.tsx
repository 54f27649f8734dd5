import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { App } from "../app/App";
import { directLive } from "../live/source";
import { LiveStore } from "../live/store";
import { SessionWatch } from "../rpc/sessionWatch";
import type { Fake } from "./server";

/** openDesk shows the whole desktop over a fake server, with a stream of its own. */
export function openDesk(fake: Fake) {
  const transport = fake.transport();
  const live = new LiveStore(directLive(transport));
  render(<App transport={transport} live={live} watch={new SessionWatch()} env="test" />);
  return { live, user: userEvent.setup() };
}
