import { Alert, Button, Group } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "../rpc/problem";
import { useReason } from "../rpc/useReason";

interface Props {
  problem: Problem;
  /** What failed, if the reason alone does not say. */
  title?: string;
  retry?: () => void;
  children?: ReactNode;
}

/** ProblemNote says inline what failed, why, and what can be done. */
export function ProblemNote({ problem, title, retry, children }: Props) {
  const { t } = useTranslation();
  const reason = useReason();
  return (
    <Alert color="red" variant="light" title={title} role="alert" p="sm">
      {reason(problem)}
      {children}
      {retry && (
        <Group mt="sm">
          <Button variant="default" size="xs" onClick={retry}>
            {t("app.retry")}
          </Button>
        </Group>
      )}
    </Alert>
  );
}
