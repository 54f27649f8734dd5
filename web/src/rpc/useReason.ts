import { useTranslation } from "react-i18next";
import type { Problem } from "./problem";

/** useReason gives the sentence for a problem: by its reason, in the language of the page. */
export function useReason(): (problem: Problem) => string {
  const { t, i18n } = useTranslation();
  return (problem) => {
    const key = `reason.${problem.reason}`;
    if (i18n.exists(key)) {
      return t(key as "reason.internal", { reference: problem.reference });
    }
    return t("reason.other", { reason: problem.reason });
  };
}
