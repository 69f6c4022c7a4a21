// Where the dashboard lives: below any path of a proxy.

/** The path of the dashboard's root, with a slash at its end. */
export const base = new URL(document.baseURI).pathname;

/** Returns the address of a page. */
export function href(path: string, query?: Record<string, string | undefined>): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
        if (value !== undefined && value !== "") parameters.set(name, value);
    }
    const text = parameters.toString();
    return `${base}${path}${text === "" ? "" : `?${text}`}`;
}

/** Returns the address of a route of the API. */
export function api(path: string): string {
    return `${base}api/v1${path}`;
}
