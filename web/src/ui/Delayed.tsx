import { type ReactNode, useEffect, useState } from "react";

/** Delayed shows its content only when it is needed for longer than a moment: what loads within 150 ms shows no skeleton. */
export function Delayed({ children }: { children: ReactNode }) {
  const [due, setDue] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setDue(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return due ? children : null;
}
