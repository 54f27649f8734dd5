import { Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Centre } from "../ui/Centre";

interface State {
  broken: boolean;
}

/** Crash shows a way on when a component has failed, instead of an empty page. */
export class Crash extends Component<{ children: ReactNode }, State> {
  override state: State = { broken: false };

  static getDerivedStateFromError(): State {
    return { broken: true };
  }

  override render() {
    return this.state.broken ? <Broken /> : this.props.children;
  }
}

/** Broken is the page after an error of our own. */
export function Broken() {
  const { t } = useTranslation();
  return (
    <Centre>
      <p role="alert">{t("app.broken")}</p>
      <Button onClick={() => location.reload()}>{t("app.reload")}</Button>
    </Centre>
  );
}
