import { cleanup } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { startLanguages } from "../i18n";

// What the test's browser lacks.
Object.defineProperty(document, "fonts", { value: new EventTarget() });

beforeAll(async () => {
  await startLanguages("en");
});

beforeEach(() => {
  localStorage.clear();
  history.replaceState(null, "", "/");
});

afterEach(cleanup);
