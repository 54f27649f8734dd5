import { Alert, Button, SimpleGrid } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Draft } from "../gen/postroom/contact/v1/contact_pb";
import { timeOfDay } from "../i18n/format";
import { ms } from "../live/reducer";
import classes from "./conversation.module.css";

interface Props {
  mine: string;
  theirs: Draft;
  choose: (whose: "mine" | "theirs") => void;
}

/** DraftConflict shows the two texts of a draft that was changed in two windows, and lets a person choose: neither is lost before that. */
export function DraftConflict({ mine, theirs, choose }: Props) {
  const { t, i18n } = useTranslation();
  const at = timeOfDay(ms(theirs.at), i18n.language);
  return (
    <Alert color="yellow" variant="light" role="alert" p="sm" title={t("reply.conflictTitle")} data-draft-conflict>
      {t("reply.conflictText")}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md" mt="xs">
        <div>
          <strong>{t("reply.mine")}</strong>
          <div className={classes.version}>{mine}</div>
          <Button size="xs" variant="default" onClick={() => choose("mine")}>
            {t("reply.keepMine")}
          </Button>
        </div>
        <div>
          <strong>{t("reply.theirs", { author: theirs.author, time: at })}</strong>
          <div className={classes.version}>{theirs.text}</div>
          <Button size="xs" variant="default" onClick={() => choose("theirs")}>
            {t("reply.keepTheirs")}
          </Button>
        </div>
      </SimpleGrid>
    </Alert>
  );
}
