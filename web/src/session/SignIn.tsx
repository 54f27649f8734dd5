import { Alert, Button, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Preferences } from "../app/Preferences";
import { type Problem, problemOf } from "../rpc/problem";
import { Centre } from "../ui/Centre";
import { ProblemNote } from "../ui/Problem";
import { useSession } from "./session";

interface Props {
  notice: "ended" | "signedOut" | undefined;
  /** Who was signed in before. */
  agent: string;
}

/** SignIn asks for key and password. The page behind it keeps its place: after signing in, the person is where he was. */
export function SignIn({ notice, agent }: Props) {
  const { t } = useTranslation();
  const { signIn } = useSession();
  const [name, setName] = useState(agent);
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (busy || name.trim() === "" || password === "") {
      return;
    }
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(name.trim(), password);
    } catch (error) {
      setProblem(problemOf(error));
      setPassword("");
      setBusy(false);
      setTried(false);
    }
  };

  return (
    <Centre>
      <form onSubmit={submit} noValidate>
        <Stack gap="md">
          <div>
            <Title order={1} size="h3">
              {t("signIn.title")}
            </Title>
            {t("app.name")} · {t("app.desk")}
          </div>
          {notice && (
            <Alert color="brand" variant="light" role="status" p="sm">
              {notice === "ended" ? t("signIn.ended") : t("signIn.signedOut")}
            </Alert>
          )}
          {problem && <ProblemNote problem={problem} />}
          <TextInput
            label={t("signIn.agent")}
            description={t("signIn.agentHint")}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={tried && name.trim() === "" && t("signIn.missingAgent")}
            name="agent"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus={agent === ""}
          />
          <PasswordInput
            label={t("signIn.password")}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={tried && password === "" && t("signIn.missingPassword")}
            name="password"
            autoComplete="current-password"
            autoFocus={agent !== ""}
          />
          <Button type="submit" loading={busy} fullWidth size="md">
            {t("signIn.submit")}
          </Button>
          <Preferences />
        </Stack>
      </form>
    </Centre>
  );
}
