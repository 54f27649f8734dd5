import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from "@mantine/core";

const brand: MantineColorsTuple = [
  "#e8f3ff",
  "#cfe3fc",
  "#9fc6f6",
  "#6ba7f0",
  "#418dea",
  "#2a7de6",
  "#1170cf",
  "#0a5eb3",
  "#064e97",
  "#03417f",
];

// No font is shipped: a Korean one weighs megabytes.
const family =
  '"Pretendard Variable", Pretendard, Inter, "Noto Sans KR", "Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic", system-ui, sans-serif';

export const theme = createTheme({
  colors: { brand },
  primaryColor: "brand",
  primaryShade: 6, // in dark too: contrast with white text fails at shade 5
  fontFamily: family,
  headings: { fontFamily: family, fontWeight: "600" },
  fontSizes: { xs: "12px", sm: "13px", md: "14px", lg: "16px", xl: "20px" },
  spacing: { xs: "8px", sm: "12px", md: "16px", lg: "24px", xl: "32px" },
  defaultRadius: "8px",
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    // Coloured titles on coloured ground are too faint; the ground says it.
    Alert: {
      styles: {
        label: { color: "var(--mantine-color-text)" },
        message: { color: "var(--mantine-color-text)" },
      },
    },
    Button: { defaultProps: { size: "sm" } },
    Tooltip: { defaultProps: { transitionProps: { duration: 100 } } },
    // The placeholder for the first focus is a child that no menu may have (aria-required-children).
    Menu: { defaultProps: { transitionProps: { duration: 100 }, withInitialFocusPlaceholder: false } },
  },
});

/** variables are the product's own tokens, beside Mantine's. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-text": "#1b1f24",
    "--mantine-color-dimmed": "#5b6570",
    "--mantine-color-placeholder": "#5b6570",
    "--pr-canvas": "#f5f7f9",
    "--pr-surface": "#ffffff",
    "--pr-line": "#dfe3e8",
    "--pr-selected": "#e8f3ff",
    "--pr-brand-text": "#0a5eb3",
    "--pr-good": "#087f5b",
    "--pr-warn": "#9a5b00",
    "--pr-bad": "#c92a2a",
    "--pr-bad-fill": "#c92a2a",
    "--pr-warn-soft": "#fff4d6",
    "--pr-bad-soft": "#fff0f0",
    "--pr-info-soft": "#e8f3ff",
  },
  dark: {
    "--mantine-color-text": "#c9c9c9",
    "--mantine-color-dimmed": "#a3adb8",
    "--mantine-color-placeholder": "#a3adb8",
    "--mantine-color-body": "#242424",
    "--pr-canvas": "#141619",
    "--pr-surface": "#242424",
    "--pr-line": "#2f343a",
    "--pr-selected": "#14304d",
    "--pr-brand-text": "#6ba7f0",
    "--pr-good": "#3ac99a",
    "--pr-warn": "#f2b84b",
    "--pr-bad": "#ff8787",
    "--pr-bad-fill": "#c92a2a",
    "--pr-warn-soft": "#3a2f14",
    "--pr-bad-soft": "#3d1d1d",
    "--pr-info-soft": "#14304d",
  },
});
