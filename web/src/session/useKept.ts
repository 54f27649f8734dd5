import { useCallback, useState } from "react";
import { useSession } from "./session";

/** useKept is useState for what a person types into a form: it outlives the component, and is wiped with the session's other typed text. */
export function useKept<T>(key: string, initial: T): [T, (value: T) => void] {
  const { keeper } = useSession();
  const [value, setValue] = useState(() => keeper.keep(key, () => initial));
  const set = useCallback(
    (next: T) => {
      keeper.set(key, next);
      setValue(next);
    },
    [keeper, key],
  );
  return [value, set];
}
