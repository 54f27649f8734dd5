import "i18next";
import type en from "./en.json";

// Keys are checked by the compiler.
declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    returnNull: false;
    resources: { translation: typeof en };
  }
}
