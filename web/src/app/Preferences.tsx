import { ActionIcon, Group, SegmentedControl, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import IconMoon from "@tabler/icons-react/dist/esm/icons/IconMoon.mjs";
import IconSun from "@tabler/icons-react/dist/esm/icons/IconSun.mjs";
import { useTranslation } from "react-i18next";
import { chooseLanguage, type Language } from "../i18n";

/** useToggleScheme switches between light and dark. */
export function useToggleScheme(): { dark: boolean; toggle: () => void } {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return { dark, toggle: () => setColorScheme(dark ? "light" : "dark") };
}

/** Preferences are the language and the appearance. */
export function Preferences() {
  const { t, i18n } = useTranslation();
  const { dark, toggle } = useToggleScheme();
  return (
    <Group gap="xs" wrap="nowrap">
      <SegmentedControl
        size="xs"
        aria-label={t("top.language")}
        value={i18n.language}
        onChange={(language) => void chooseLanguage(language as Language)}
        data={[
          { value: "en", label: <span lang="en">{t("top.english")}</span> },
          { value: "ko", label: <span lang="ko">{t("top.korean")}</span> },
        ]}
      />
      <ActionIcon
        title={t("top.toggleScheme")}
        variant="default"
        size="md"
        aria-label={t("top.toggleScheme")}
        aria-pressed={dark}
        onClick={toggle}
      >
        {dark ? <IconSun size={16} /> : <IconMoon size={16} />}
      </ActionIcon>
    </Group>
  );
}
