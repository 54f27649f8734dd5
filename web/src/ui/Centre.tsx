import type { ReactNode } from "react";
import classes from "./Centre.module.css";

/** Centre puts one thing in the middle of the page. */
export function Centre({ children }: { children: ReactNode }) {
  return (
    <main className={classes.page}>
      <div className={classes.box}>{children}</div>
    </main>
  );
}
