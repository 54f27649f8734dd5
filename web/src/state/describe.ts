import type { TFunction } from "i18next";
import { type AgentState, State } from "../gen/postroom/agent/v1/agent_pb";
import type { Code } from "../gen/postroom/contact/v1/contact_pb";
import { labelOf } from "../i18n";

/** The shape that stands beside a state's word: nobody has to tell colours apart. */
export const shapes: Record<State, string> = {
  [State.UNSPECIFIED]: "○",
  [State.LOGGED_OUT]: "○",
  [State.IDLE]: "◐",
  [State.AVAILABLE]: "●",
  [State.RONA]: "▲",
};

/** The name of a state's colour in the style sheets. */
export const tones: Record<State, string> = {
  [State.UNSPECIFIED]: "none",
  [State.LOGGED_OUT]: "none",
  [State.IDLE]: "idle",
  [State.AVAILABLE]: "available",
  [State.RONA]: "rona",
};

/** codeName is an idle code in words: the administrator's, or one of the two that the system sets. */
export function codeName(code: string, codes: readonly Code[], t: TFunction, language: string): string {
  switch (code) {
    case "signed-in":
      return t("state.signedIn");
    case "disconnected":
      return t("state.disconnected");
  }
  const known = codes.find((c) => c.code === code);
  return known ? labelOf(known.name, language) : code;
}

/** stateWord is a state in one word. */
export function stateWord(agent: AgentState | undefined, t: TFunction): string {
  switch (agent?.state) {
    case State.AVAILABLE:
      return t("state.available");
    case State.IDLE:
      return t("state.idle");
    case State.RONA:
      return t("state.rona");
    default:
      return t("state.loggedOut");
  }
}
