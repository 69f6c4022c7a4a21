// Tabs, with the arrow keys of the pattern for them.
import type { ComponentChildren } from "preact";

interface Props<T extends string> {
    label: string;
    value: T;
    tabs: readonly (readonly [T, string])[];
    onChange: (value: T) => void;
    children: ComponentChildren;
}

export function Tabs<T extends string>({ label, value, tabs, onChange, children }: Props<T>) {
    const move = (event: KeyboardEvent): void => {
        const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
        const at = tabs.findIndex(([name]) => name === value);
        const next = tabs[(at + by + tabs.length) % tabs.length];
        if (by === 0 || next === undefined) return;
        event.preventDefault();
        onChange(next[0]);
        document.getElementById(`tab-${next[0]}`)?.focus();
    };
    return (
        <div class="stack tabbed">
            <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
                {tabs.map(([name, title]) => (
                    <button
                        key={name}
                        id={`tab-${name}`}
                        type="button"
                        role="tab"
                        aria-selected={name === value}
                        aria-controls="tab-panel"
                        tabIndex={name === value ? 0 : -1}
                        onClick={() => onChange(name)}
                    >
                        {title}
                    </button>
                ))}
            </div>
            <div id="tab-panel" role="tabpanel" aria-labelledby={`tab-${value}`}>
                {children}
            </div>
        </div>
    );
}
