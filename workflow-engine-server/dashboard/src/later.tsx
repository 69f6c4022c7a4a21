// Components of the file `more.js`, which is loaded after the first page or when one of them is shown.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "./api/client";
import { Failure, Loading } from "./parts/basics";

type More = typeof import("./more");

let loaded: More | undefined;

async function load(): Promise<More> {
    loaded ??= await import("./more");
    return loaded;
}

/** Loads the file while the browser has nothing else to do, so that no page waits for it and none needs the server. */
export function loadLater(): void {
    // Without an answer now, the page that needs the file asks again.
    window.setTimeout(() => void load().catch(() => undefined), 400);
}

type Properties<T> = T extends (properties: infer P) => unknown ? P : never;

/** Returns the component of this name, which loads its file first. */
export function later<Name extends keyof More>(name: Name): ComponentType<Properties<More[Name]>> {
    return function Later(properties: Properties<More[Name]>) {
        const [error, setError] = useState<ApiError | undefined>(undefined);
        const [, setLoaded] = useState(loaded !== undefined);
        const read = (): void => {
            setError(undefined);
            load()
                .then(() => setLoaded(true))
                .catch(() => setError(new ApiError(0, "UNREACHABLE", "A file of the page could not be loaded.")));
        };
        useEffect(() => {
            if (loaded === undefined) read();
        }, []);
        if (loaded !== undefined) {
            const Component = loaded[name] as ComponentType<any>;
            return <Component {...(properties as object)} />;
        }
        return error === undefined ? <Loading lines={8} /> : <Failure error={error} retry={read} />;
    };
}
