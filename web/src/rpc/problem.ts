import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema, type Finding } from "../gen/postroom/error/v1/error_pb";

/** Problem is an error as the desktop treats it: it branches on reason and never on a message. */
export interface Problem {
  /** The server's reason, or "network" when no server answered, or "cancelled". */
  reason: string;
  code: Code;
  /** What the gate found, for reason card_data. */
  findings: Finding[];
  /** Where the server's log has the cause of an internal error. */
  reference: string;
  /** Whether the same request, with the same request_id, may succeed later. */
  retryable: boolean;
}

/** problemOf reads any error that a call may end with. Errors of our server always carry a detail; without one, none of it answered. */
export function problemOf(error: unknown): Problem {
  const connect = ConnectError.from(error);
  const detail = connect.findDetails(ErrorDetailSchema)[0];
  if (detail) {
    const retryable = connect.code === Code.Unavailable || connect.code === Code.Internal;
    return {
      reason: detail.reason,
      code: connect.code,
      findings: detail.findings,
      reference: detail.reference,
      retryable,
    };
  }
  const cancelled = connect.code === Code.Canceled;
  return {
    reason: cancelled ? "cancelled" : "network",
    code: connect.code,
    findings: [],
    reference: "",
    retryable: !cancelled,
  };
}
