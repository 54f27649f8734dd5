import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { problemOf } from "../rpc/problem";

/** useReadUnseen has the contact read again when something was refused because the customer has written since (R22). */
export function useReadUnseen(): (error: unknown) => Promise<void> {
  const client = useQueryClient();
  const transport = useTransport();
  return useCallback(
    async (error) => {
      if (problemOf(error).reason === "unseen_message") {
        await client.invalidateQueries({
          queryKey: createConnectQueryKey({
            schema: ContactService.method.getContact,
            transport,
            cardinality: "finite",
          }),
        });
      }
    },
    [client, transport],
  );
}
