// Who the user is. The token comes behind `#`, which browsers do not send, and is exchanged for a cookie.
import { computed, signal } from "@preact/signals";
import { ApiError, get, needsLogin, post, send } from "./api/client";
import type { Me } from "./api/types";

export const me = signal<Me | undefined>(undefined);
export const loginError = signal<ApiError | undefined>(undefined);

/** Whether payloads, logs and prompts are shown. */
export const seesPayloads = computed(() => me.value !== undefined && me.value.grant !== "read");

/** Whether the user may change anything. */
export const mayOperate = computed(() => me.value?.grant === "operate" && !me.value.is_read_only);

export async function logIn(token: string): Promise<void> {
    loginError.value = undefined;
    try {
        await post("/session", { token });
        me.value = await get<Me>("/me");
        needsLogin.value = false;
    } catch (error) {
        needsLogin.value = true;
        loginError.value = error instanceof ApiError ? error : undefined;
    }
}

export async function logOut(): Promise<void> {
    await send("/session", { method: "DELETE" });
    me.value = undefined;
    needsLogin.value = true;
}

/** Begins a session with the token of the address, or continues the one that the browser has. */
export async function begin(): Promise<void> {
    const token = new URLSearchParams(location.hash.slice(1)).get("token");
    if (token !== null) {
        // It must not stay in the history.
        history.replaceState(null, "", location.pathname + location.search);
        return logIn(token);
    }
    try {
        me.value = await get<Me>("/me");
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) return;
        loginError.value = error instanceof ApiError ? error : undefined;
        window.setTimeout(() => void begin(), 2_000);
    }
}
