import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { useMemo } from "react";
import { AgentService } from "../gen/postroom/agent/v1/agent_pb";
import { AuthService } from "../gen/postroom/auth/v1/auth_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";

/** Api is what the desktop calls: mutations by these clients, reading by connect-query over the same transport. */
export interface Api {
  auth: Client<typeof AuthService>;
  agent: Client<typeof AgentService>;
  contact: Client<typeof ContactService>;
}

export function createApi(transport: Transport): Api {
  return {
    auth: createClient(AuthService, transport),
    agent: createClient(AgentService, transport),
    contact: createClient(ContactService, transport),
  };
}

export function useApi(): Api {
  const transport = useTransport();
  return useMemo(() => createApi(transport), [transport]);
}
