// Requests to the API.
import { signal } from "@preact/signals";
import { api } from "../lib/base";
import { compact, parse } from "../lib/exact";
import type { Problem } from "./types";

/** Whether the server wants a token. */
export const needsLogin = signal(false);

/** Whether the last request has reached the server. */
export const isOffline = signal(false);

/** An error of the API, or of the way to it. */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        message: string,
        readonly problem?: Problem,
    ) {
        super(message);
    }
}

export interface Answer {
    status: number;
    headers: Headers;
    text: string;
}

interface Options {
    method?: string;
    body?: unknown;
    headers?: Record<string, string>;
    signal?: AbortSignal | undefined;
}

/** Sends a request.
 *  @throws {ApiError} */
export async function send(path: string, options: Options = {}): Promise<Response> {
    const headers: Record<string, string> = { ...options.headers };
    const init: RequestInit = { method: options.method ?? "GET", headers, credentials: "same-origin" };
    if (options.signal !== undefined) init.signal = options.signal;
    if (options.body !== undefined) {
        headers["content-type"] = "application/json";
        init.body = typeof options.body === "string" ? options.body : compact(options.body);
    }
    let response: Response;
    try {
        response = await fetch(api(path), init);
    } catch (error) {
        if (options.signal?.aborted) throw error;
        isOffline.value = true;
        throw new ApiError(0, "UNREACHABLE", "The server does not answer. The page tries again by itself.");
    }
    isOffline.value = false;
    if (response.ok) return response;
    if (response.status === 401) needsLogin.value = true;
    const text = await response.text();
    let problem: Problem | undefined;
    try {
        problem = JSON.parse(text) as Problem;
    } catch {
        // A proxy has answered.
    }
    const message = problem?.detail ?? `The server answered with ${response.status}.`;
    throw new ApiError(response.status, problem?.code ?? `HTTP_${response.status}`, message, problem);
}

/** Reads JSON. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await send(path, { signal });
    return parse(await response.text()) as T;
}

/** Changes something, or checks whether that is possible. */
export async function post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T> {
    const response = await send(path, { method: "POST", body, ...(headers && { headers }) });
    const text = await response.text();
    return (text === "" ? undefined : parse(text)) as T;
}

/** Returns the query part of an address; values that are absent or empty have none. */
export function query(parameters: Record<string, string | number | boolean | string[] | undefined>): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        for (const item of Array.isArray(value) ? value : [value]) {
            if (item !== undefined && item !== "" && item !== false) search.append(name, String(item));
        }
    }
    const text = search.toString();
    return text === "" ? "" : `?${text}`;
}

/** Returns a path segment. */
export const segment = encodeURIComponent;
