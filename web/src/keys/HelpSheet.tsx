import { Kbd, Modal, Table } from "@mantine/core";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { useSetting } from "../app/settings";
import { shortcuts } from "./keys";

/** HelpSheet lists the shortcuts. */
export function HelpSheet({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const singleKeys = useSetting("singleKeys");
  return (
    <Modal
      opened
      size="lg"
      onClose={close}
      title={t("keys.title")}
      closeButtonProps={{ "aria-label": t("keys.close") }}
    >
      <Table>
        <Table.Tbody>
          {shortcuts.map((s) => (
            <Table.Tr key={s.id}>
              <Table.Td>
                {s.keys.map((key, i) => (
                  <Fragment key={key}>
                    {i > 0 && " + "}
                    <Kbd>{key === "Ctrl" ? "Ctrl/⌘" : key}</Kbd>
                  </Fragment>
                ))}
              </Table.Td>
              <Table.Td>{t(`keys.${s.id}`)}</Table.Td>
              <Table.Td c="dimmed">{s.always ? t("keys.always") : ""}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {!singleKeys && <p>{t("keys.off")}</p>}
    </Modal>
  );
}
