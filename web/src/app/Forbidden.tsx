import { Button, Stack, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Session } from "../gen/postroom/auth/v1/auth_pb";
import { useSession } from "../session/session";
import { Centre } from "../ui/Centre";

/** Forbidden says to an account without contacts that this page is not for it. */
export function Forbidden({ session }: { session: Session }) {
  const { t, i18n } = useTranslation();
  const { signOut } = useSession();
  const key = `role.${session.role}`;
  const role = i18n.exists(key) ? t(key as "role.agent") : session.role;
  return (
    <Centre>
      <Stack>
        <Title order={1} size="h3">
          {t("app.forbidden")}
        </Title>
        <p>{t("app.forbiddenText", { name: session.name, role })}</p>
        <Button variant="default" onClick={() => void signOut()}>
          {t("top.signOut")}
        </Button>
      </Stack>
    </Centre>
  );
}
