import { duration, isoDuration } from "../i18n/format";
import { useSecondsSince } from "../live/hooks";

/** Since shows how long ago a moment of the server's time was, as a clock that runs. */
export function Since({ at }: { at: number }) {
  const seconds = useSecondsSince(at);
  return (
    <time className="numbers" dateTime={isoDuration(seconds)}>
      {duration(seconds)}
    </time>
  );
}
