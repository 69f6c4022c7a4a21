// What surrounds every page: navigation, session, keys, messages.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Route, Router, useLocation } from "preact-iso";
import { isOffline, needsLogin } from "./api/client";
import { base, href } from "./lib/base";
import { useKeys } from "./lib/keys";
import { theme, zone, type Theme } from "./lib/settings";
import { zoneName, zones } from "./lib/time";
import { KeyList } from "./key-list";
import { Login } from "./login";
import { PAGES } from "./navigation";
import { NotFound } from "./pages/not-found";
import { Failure, Loading } from "./parts/basics";
import { Toasts } from "./parts/toast";
import { logOut, loginError, me, seesPayloads } from "./session";
import { useWaiting } from "./waiting";

export function Shell() {
    if (needsLogin.value) return <Login />;
    return (
        <div class="shell">
            <Side />
            <Main>
                {me.value !== undefined ? (
                    <Router>
                        {PAGES.flatMap((page) =>
                            page.paths.map((path) => <Route key={path} path={base + path} component={page.component} />),
                        )}
                        <Route default component={NotFound} />
                    </Router>
                ) : loginError.value !== undefined ? (
                    <Failure error={loginError.value} />
                ) : (
                    <Loading />
                )}
            </Main>
            <Toasts />
        </div>
    );
}

function Main({ children }: { children: ComponentChildren }) {
    const { path } = useLocation();
    const element = useRef<HTMLElement>(null);
    const isFirst = useRef(true);
    useEffect(() => {
        // A new page begins at its top, also for a screen reader; the first one leaves the focus alone.
        if (!isFirst.current) {
            element.current?.focus({ preventScroll: true });
            scrollTo(0, 0);
        }
        isFirst.current = false;
    }, [path]);
    return (
        <main class="main" id="main" tabIndex={-1} ref={element}>
            {isOffline.value && (
                <div class="banner" role="status">
                    The server does not answer. What you see is from before; the page continues by itself.
                </div>
            )}
            {children}
        </main>
    );
}

function Side() {
    const { path, route } = useLocation();
    const [isOpen, setOpen] = useState(false);
    const [showsKeys, setShowsKeys] = useState(false);
    const waiting = useWaiting();
    const shown = PAGES.filter((page) => seesPayloads.value || !page.needsPayloads);
    useEffect(() => setOpen(false), [path]);
    useKeys([
        { key: "?", does: "Show the keys", action: () => setShowsKeys(true) },
        ...shown.filter((page) => page.key !== undefined).map((page) => ({
            key: `g ${page.key}`,
            does: `Go to ${page.title}`,
            action: () => route(href(page.paths[0] ?? "")),
        })),
    ]);
    const current = (paths: readonly string[]): boolean =>
        paths.some((candidate) => {
            const first = candidate.split("/")[0] ?? "";
            const here = path.slice(base.length - 1).replace(/^\//, "").split("/")[0];
            return first === here;
        });
    return (
        <nav class="side" aria-label="Pages" data-open={String(isOpen)}>
            <button type="button" class="visually-hidden" onClick={() => document.getElementById("main")?.focus()}>
                Skip to the page
            </button>
            <div class="side-head">
                <a class="brand" href={href("")}>
                    <img src={`${base}icon.svg`} alt="" />
                    workflow-engine
                </a>
                <button
                    type="button"
                    class="button small menu-toggle"
                    aria-expanded={isOpen}
                    onClick={() => setOpen(!isOpen)}
                >
                    Menu
                </button>
            </div>
            <div class="nav">
                {shown.filter((page) => page.icon !== undefined).map((page) => (
                    <a
                        key={page.title}
                        href={href(page.paths[0] ?? "")}
                        aria-current={current(page.paths) ? "page" : undefined}
                    >
                        <svg viewBox="0 0 16 16" aria-hidden="true">
                            <path
                                d={page.icon}
                                fill="none"
                                stroke="currentColor"
                                stroke-width="1.4"
                                stroke-linecap="round"
                                stroke-linejoin="round"
                            />
                        </svg>
                        {page.title}
                        {page.needsPayloads && waiting !== "" && <span class="count num"> {waiting}</span>}
                    </a>
                ))}
            </div>
            <Foot onKeys={() => setShowsKeys(true)} />
            {showsKeys && <KeyList onClose={() => setShowsKeys(false)} />}
        </nav>
    );
}

function Foot({ onKeys }: { onKeys: () => void }) {
    const choices: Theme[] = ["system", "light", "dark"];
    const user = me.value;
    return (
        <div class="side-foot">
            <label>
                <span class="visually-hidden">Time zone</span>
                <select class="control" value={zone.value} onChange={(event) => (zone.value = event.currentTarget.value)}>
                    <option value="local">{zone.value === "local" ? `Local: ${zoneName.value}` : "Local time"}</option>
                    {zones().map((name) => (
                        <option key={name} value={name}>
                            {name}
                        </option>
                    ))}
                </select>
            </label>
            <label>
                <span class="visually-hidden">Theme</span>
                <select
                    class="control"
                    value={theme.value}
                    onChange={(event) => (theme.value = event.currentTarget.value as Theme)}
                >
                    {choices.map((choice) => (
                        <option key={choice} value={choice}>
                            {choice === "system" ? "System theme" : choice === "light" ? "Light" : "Dark"}
                        </option>
                    ))}
                </select>
            </label>
            <div class="row spread">
                <button type="button" class="button plain small" onClick={onKeys}>
                    <kbd>?</kbd> Keys
                </button>
                {user?.via === "session" && (
                    <button type="button" class="button plain small" onClick={() => void logOut()}>
                        Log out
                    </button>
                )}
            </div>
            {user !== undefined && (
                <div title={`Version ${user.version}`}>
                    {user.name} · {user.is_read_only ? "read only" : user.grant}
                </div>
            )}
        </div>
    );
}
