// How many questions wait for a person, for the navigation.
import { query } from "./api/client";
import type { Page, PendingApproval } from "./api/types";
import { useEvery, useLoad } from "./lib/load";
import { seesPayloads } from "./session";

const MOST = 20;

/** `3`, or `20+`; empty without any. */
export function useWaiting(): string {
    const inbox = useLoad<Page<PendingApproval>>(seesPayloads.value ? `/approvals${query({ limit: MOST })}` : undefined);
    useEvery(10_000, inbox.reload);
    const count = inbox.data?.items.length ?? 0;
    return count === 0 ? "" : `${count}${inbox.data?.next ? "+" : ""}`;
}
