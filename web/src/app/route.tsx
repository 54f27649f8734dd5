import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from "react";

/** Route is a page of the desktop, as its address names it. */
export type Route = { page: "home" } | { page: "contact"; contactId: string } | { page: "unknown" };

/** routeOf reads an address. */
export function routeOf(path: string): Route {
  const [first = "", second, ...more] = path.split("/").filter((part) => part !== "");
  if (first === "") {
    return { page: "home" };
  }
  if (first === "contacts" && second && more.length === 0) {
    return { page: "contact", contactId: decodeURIComponent(second) };
  }
  return { page: "unknown" };
}

/** contactPath is the address of a contact. */
export const contactPath = (contactId: string): string => `/contacts/${encodeURIComponent(contactId)}`;

const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    removeEventListener("popstate", listener);
  };
}

/** navigate goes to another page; the browser's back button returns. */
export function navigate(path: string): void {
  if (path !== location.pathname) {
    history.pushState(null, "", path);
    tell();
  }
}

/** usePath is the present address. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string };

/** Link is an anchor that changes pages without loading the desktop anew. With a modifier key it does what browsers do. */
export function Link({ to, onClick, ...rest }: Props) {
  const path = usePath();
  const go = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    ) {
      return;
    }
    event.preventDefault();
    navigate(to);
  };
  return <a href={to} aria-current={path === to ? "page" : undefined} onClick={go} {...rest} />;
}
