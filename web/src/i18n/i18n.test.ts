import i18next from "i18next";
import { describe, expect, it } from "vitest";
import en from "./en.json";
import { duration } from "./format";
import { labelOf, setLanguage } from "./index";
import ko from "./ko.json";

type Tree = { [key: string]: string | Tree };

function leaves(tree: Tree, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    const name = path === "" ? key : `${path}.${key}`;
    if (typeof value === "string") {
      found.set(name, value);
      continue;
    }
    for (const [k, v] of leaves(value, name)) {
      found.set(k, v);
    }
  }
  return found;
}

const english = leaves(en);
const korean = leaves(ko);
const variables = (text: string) => [...text.matchAll(/{{(\w+)}}/g)].map((m) => m[1]).sort();

describe("the two languages", () => {
  it("have the same keys; Korean has one plural form", () => {
    const expected = [...english.keys()].filter((key) => !key.endsWith("_one"));
    expect([...korean.keys()].sort()).toEqual(expected.sort());
  });

  it("fill the same variables into a text", () => {
    for (const [key, text] of korean) {
      expect(variables(text), key).toEqual(variables(english.get(key) ?? ""));
    }
  });

  it("never glue a particle that depends on the last sound to a variable", () => {
    for (const [key, text] of korean) {
      expect(text, key).not.toMatch(/}}(을|를|이|가|은|는|과|와|으로|로)(?![가-힣])/);
    }
  });

  it("use no biased term, no exclamation mark and no word for follow-up work", () => {
    const terms = /\b(master|slave|whitelist|blacklist|sanity|dummy|manpower|grandfathered|crazy|cripple)\b/i;
    for (const [key, text] of [...english, ...korean]) {
      expect(text, key).not.toMatch(terms);
      expect(text, key).not.toContain("!");
    }
    for (const [key, text] of english) {
      expect(text, key).not.toMatch(/follow-?up/i);
    }
  });

  it("use the words of the source for what it names", () => {
    expect([
      ko.offer.accept,
      ko.reply.send,
      ko.contact.close,
      ko.wrapUp.code,
      ko.state.available,
      ko.state.idle,
    ]).toEqual(["수락", "빠른 회신", "닫기", "후속 작업 선택", "사용 가능", "유휴"]);
  });

  it("fall back to English where a Korean text is missing", async () => {
    await setLanguage("ko");
    expect(i18next.t("offer.accept")).toBe("수락");
    i18next.addResource("en", "translation", "only.english", "Only English");
    expect(i18next.t("only.english" as "app.name")).toBe("Only English");
    await setLanguage("en");
  });
});

describe("what the configuration names", () => {
  it("is Korean where there is a Korean name", () => {
    const label = { en: "Billing", ko: "청구" } as Parameters<typeof labelOf>[0];
    expect(labelOf(label, "ko")).toBe("청구");
    expect(labelOf({ ...label, ko: "" } as typeof label, "ko")).toBe("Billing");
  });
});

describe("a duration", () => {
  it.each([
    [0, "0:00"],
    [42.9, "0:42"],
    [725, "12:05"],
    [3753, "1:02:33"],
    [-3, "0:00"],
  ])("of %d s is %s", (seconds, text) => expect(duration(seconds)).toBe(text));
});
