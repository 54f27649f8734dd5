import { Button, type ButtonProps } from "@mantine/core";
import IconUser from "@tabler/icons-react/dist/esm/icons/IconUser.mjs";
import type { ComponentPropsWithRef } from "react";
import { useTranslation } from "react-i18next";
import { useSession } from "../session/session";
import classes from "./TopBar.module.css";

type Props = ButtonProps & ComponentPropsWithRef<"button"> & { openHelp?: () => void };

/** ProfileButton names the person who is signed in: what Profile opens from, and what is shown before its code is there. */
export function ProfileButton({ openHelp: _, ...rest }: Props) {
  const { t } = useTranslation();
  const { state } = useSession();
  const name = state.status === "in" ? state.session.name : "";
  return (
    <Button
      variant="default"
      leftSection={<IconUser size={16} aria-hidden />}
      aria-label={t("top.profile", { name })}
      className={classes.profile}
      {...rest}
    >
      <span className={classes.name}>{name}</span>
    </Button>
  );
}
