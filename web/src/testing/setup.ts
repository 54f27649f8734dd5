import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeAll, beforeEach } from "vitest";
import { startLanguages } from "../i18n";

// A part that is loaded later takes its time on a busy machine; what never comes fails all the same.
configure({ asyncUtilTimeout: 10_000 });

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
