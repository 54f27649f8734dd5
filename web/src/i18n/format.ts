/** duration is a number of seconds as a clock: 0:42, 12:05, 1:02:33. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return `${minutes}:${two(whole % 60)}`;
  }
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** isoDuration is the same for programs, as the datetime attribute wants it. */
export function isoDuration(seconds: number): string {
  return `PT${Math.max(0, Math.floor(seconds))}S`;
}

/** regional is the person's own variant of a language, en-GB for en, as the browser knows it: dates are written differently in each. */
function regional(language: string): string {
  return navigator.languages.find((l) => l.split("-")[0] === language) ?? language;
}

/** timeOfDay is hour and minute in the person's own zone. */
export function timeOfDay(at: number, language: string): string {
  return new Intl.DateTimeFormat(regional(language), { hour: "numeric", minute: "2-digit" }).format(at);
}

/** dateAndTime is a moment in the person's own zone. */
export function dateAndTime(at: number, language: string): string {
  return new Intl.DateTimeFormat(regional(language), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** fileSize is a number of bytes for people. */
export function fileSize(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: units[unit] ?? "byte",
    unitDisplay: unit === 0 ? "long" : "short",
    maximumFractionDigits: digits,
  }).format(value);
}
