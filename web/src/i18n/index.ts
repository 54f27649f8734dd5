import i18next, { type i18n } from "i18next";
import { initReactI18next } from "react-i18next";
import type { Label } from "../gen/postroom/contact/v1/contact_pb";
import en from "./en.json";

export const languages = ["en", "ko"] as const;
export type Language = (typeof languages)[number];

const stored = "postroom.language";

/** firstLanguage is what the person chose, else what the browser prefers. */
export function firstLanguage(): Language {
  const chosen = localStorage.getItem(stored) ?? navigator.language;
  return chosen.startsWith("ko") ? "ko" : "en";
}

/** load fetches a language that is not English; English is always there, as a missing Korean text falls back to it (R4). */
async function load(language: Language): Promise<void> {
  if (language === "ko" && !i18next.hasResourceBundle("ko", "translation")) {
    const { default: ko } = await import("./ko.json");
    i18next.addResourceBundle("ko", "translation", ko);
  }
}

/** startLanguages makes texts available, before anything is shown. */
export async function startLanguages(language: Language = firstLanguage()): Promise<i18n> {
  await i18next.use(initReactI18next).init({
    resources: { en: { translation: en } },
    lng: "en",
    fallbackLng: "en",
    returnEmptyString: false,
    interpolation: { escapeValue: false }, // React escapes
  });
  await setLanguage(language);
  return i18next;
}

/** setLanguage changes the language of the whole page and remembers it. */
export async function setLanguage(language: Language): Promise<void> {
  const loaded = await load(language).then(
    () => true,
    () => false, // another version was installed meanwhile: better the language that is there than an empty page
  );
  const shown = loaded ? language : "en";
  await i18next.changeLanguage(shown);
  document.documentElement.lang = shown;
}

/** chooseLanguage is setLanguage by a person's hand. */
export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(stored, language);
  await setLanguage(language);
}

/** labelOf is a configured name in the language of the page. */
export function labelOf(label: Label | undefined, language: string): string {
  if (!label) {
    return "";
  }
  return language === "ko" && label.ko !== "" ? label.ko : label.en;
}
