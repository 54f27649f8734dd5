import { useCallback, useEffect, useRef, useState } from "react";
import { type Problem, problemOf } from "./problem";
import { RequestIds } from "./request";

/** Action is a button's work: one at a time, its problem kept until the next attempt, its request_id until its outcome is known. */
export interface Action<In, Out> {
  run: (input: In) => Promise<Out | undefined>;
  busy: boolean;
  problem: Problem | undefined;
  clear: () => void;
}

/**
 * useAction makes an action of a mutation. call gets the request_id to use: the same one when the same input is run again after an
 * attempt whose outcome is unknown. key names the input's body; it must differ where the body differs.
 */
export function useAction<In, Out>(
  call: (input: In, requestId: string) => Promise<Out>,
  key: (input: In) => string,
): Action<In, Out> {
  const ids = useRef(new RequestIds());
  const running = useRef(false);
  const mounted = useRef(true);
  const latest = useRef({ call, key });
  latest.current = { call, key };
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);

  const run = useCallback(async (input: In) => {
    if (running.current) {
      return undefined;
    }
    running.current = true;
    setBusy(true);
    setProblem(undefined);
    try {
      const done = await latest.current.call(input, ids.current.of("action", latest.current.key(input)));
      ids.current.settle("action");
      return done;
    } catch (error) {
      const met = problemOf(error);
      if (!met.retryable) {
        ids.current.settle("action");
      }
      if (mounted.current) {
        setProblem(met);
      }
      return undefined;
    } finally {
      running.current = false;
      if (mounted.current) {
        setBusy(false);
      }
    }
  }, []);
  const clear = useCallback(() => setProblem(undefined), []);
  return { run, busy, problem, clear };
}
