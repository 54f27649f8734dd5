import { type ComponentType, useEffect, useState } from "react";

/** Later is a component whose code is loaded when it is first shown, or by preload. */
export interface Later<P> {
  (props: P): React.ReactNode;
  preload(): Promise<void>;
}

/** later makes one; until its code is there, Meanwhile is shown with the same props, or nothing. It does without Suspense, which holds what is loaded back for 300 ms: an accepted mail would wait for them. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>, Meanwhile?: ComponentType<P>): Later<P> {
  let ready: ComponentType<P> | undefined;
  const preload = async () => {
    ready ??= await load();
  };
  const Shown = (props: P) => {
    const [Ready, setReady] = useState(() => ready);
    useEffect(() => {
      if (!Ready) {
        void preload().then(() => setReady(() => ready));
      }
    }, [Ready]);
    const Now = Ready ?? Meanwhile;
    return Now ? <Now {...props} /> : null;
  };
  return Object.assign(Shown, { preload });
}
