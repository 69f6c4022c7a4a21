// Named filters: those of this browser, and those that the server has for everyone.
import { useState } from "preact/hooks";
import type { SharedView } from "../../api/types";
import { useLoad } from "../../lib/load";
import { views } from "../../lib/settings";
import { say } from "../../parts/toast";

interface Props {
    line: string;
    go: (query: string) => void;
}

export function Views({ line, go }: Props) {
    const shared = useLoad<{ items: SharedView[] }>("/views");
    const [name, setName] = useState<string | undefined>(undefined);
    const own = views.value;
    const known = [...(shared.data?.items ?? []), ...own];
    const isKnown = known.some((view) => view.query === line);
    if (known.length === 0 && line === "") return null;
    const save = (): void => {
        const wanted = name?.trim() ?? "";
        if (wanted !== "") {
            views.value = [...own.filter((view) => view.name !== wanted), { name: wanted, query: line }];
            say(`The view ${wanted} is saved in this browser`);
        }
        setName(undefined);
    };
    return (
        <div class="row" role="group" aria-label="Views">
            {known.map((view) => {
                const isOwn = own.some((other) => other.name === view.name && other.query === view.query);
                return (
                    <span key={`${view.name} ${view.query}`} class="view">
                        <button
                            type="button"
                            class="button small"
                            aria-pressed={view.query === line}
                            title={view.query}
                            onClick={() => go(view.query)}
                        >
                            {view.name}
                        </button>
                        {isOwn && view.query === line && (
                            <button
                                type="button"
                                class="button plain small"
                                onClick={() => (views.value = own.filter((other) => other.name !== view.name))}
                            >
                                Forget
                            </button>
                        )}
                    </span>
                );
            })}
            {line !== "" && !isKnown && name === undefined && (
                <button type="button" class="button plain small" onClick={() => setName("")}>
                    Save as a view
                </button>
            )}
            {name !== undefined && (
                <form
                    class="row"
                    onSubmit={(event) => {
                        event.preventDefault();
                        save();
                    }}
                >
                    <input
                        class="control view-name"
                        aria-label="Name of the view"
                        placeholder="Name"
                        ref={(element) => element?.focus()}
                        value={name}
                        onInput={(event) => setName(event.currentTarget.value)}
                        onKeyDown={(event) => event.key === "Escape" && setName(undefined)}
                    />
                    <button class="button small" type="submit">
                        Save
                    </button>
                </form>
            )}
        </div>
    );
}
