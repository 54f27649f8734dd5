import { useTranslation } from "react-i18next";
import { duration, isoDuration } from "../i18n/format";
import { useSecondsSince } from "../live/hooks";
import classes from "./Clock.module.css";

/** Since shows how long ago a moment of the server's time was, as a clock that runs. */
export function Since({ at }: { at: number }) {
  const seconds = useSecondsSince(at);
  return (
    <time className="numbers" dateTime={isoDuration(seconds)}>
      {duration(seconds)}
    </time>
  );
}

/** Due shows how long there is until a contact should be answered by its queue's service level, or for how long it has been late (R7). */
export function Due({ at }: { at: number }) {
  const { t } = useTranslation();
  const late = useSecondsSince(at);
  const seconds = Math.abs(late);
  return (
    <span className={classes.due} data-late={late > 0 || undefined}>
      {late > 0 && <span aria-hidden>▲ </span>}
      {late > 0 ? t("offer.late") : t("offer.due")}{" "}
      <time className="numbers" dateTime={isoDuration(seconds)}>
        {duration(seconds)}
      </time>
    </span>
  );
}
