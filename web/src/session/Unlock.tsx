import { Button, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Session } from "../gen/postroom/auth/v1/auth_pb";
import { type Problem, problemOf } from "../rpc/problem";
import { Centre } from "../ui/Centre";
import { ProblemNote } from "../ui/Problem";
import { useSession } from "./session";

/** Unlock asks for the password again. What the page showed is gone from it; what was typed waits in memory. */
export function Unlock({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { unlock, signOut, reload } = useSession();
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  const attempt = async (work: () => Promise<void>) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await work();
    } catch (error) {
      const met = problemOf(error);
      setProblem(met);
      setPassword("");
      setBusy(false);
      if (met.reason === "session_ended") {
        await reload();
      }
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!busy && password !== "") {
      void attempt(() => unlock(password));
    }
  };

  return (
    <Centre>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <Title order={1} size="h3">
            {t("lock.title")}
          </Title>
          <Text>{t("lock.text", { name: session.name })}</Text>
          {problem && <ProblemNote problem={problem} />}
          <input type="hidden" name="agent" autoComplete="username" value={session.agent} readOnly />
          <PasswordInput
            label={t("signIn.password")}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            name="password"
            autoComplete="current-password"
            autoFocus
          />
          <Button type="submit" loading={busy} fullWidth size="md">
            {t("lock.submit")}
          </Button>
          <Button variant="subtle" color="gray" onClick={() => void attempt(signOut)} disabled={busy}>
            {t("top.signOut")}
          </Button>
        </Stack>
      </form>
    </Centre>
  );
}
