import type { ReactNode } from "react";
import classes from "./Empty.module.css";

/** Empty is one line about what is not there, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty}>
      <p className={classes.title}>{title}</p>
      {children}
    </div>
  );
}
