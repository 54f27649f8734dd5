import { type ComponentType, useEffect, useState } from "react";

/** Later is a component whose code is loaded when it is first shown, or by preload. */
export interface Later<P> {
  (props: P): React.ReactNode;
  preload(): Promise<void>;
}

/** later makes one. It does without Suspense, which holds what is loaded back for 300 ms: an accepted mail would wait for them. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): Later<P> {
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
    return Ready ? <Ready {...props} /> : null;
  };
  return Object.assign(Shown, { preload });
}
