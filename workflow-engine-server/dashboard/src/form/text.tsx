// A line of text with its label, and below it what it means or what is wrong with it.
interface TextProps {
    id: string;
    label: string;
    help: string;
    wrong?: string | undefined;
    value: string;
    onChange: (value: string) => void;
}

export function Text({ id, label, help, wrong, value, onChange }: TextProps) {
    return (
        <div class="field">
            <label for={id}>{label}</label>
            <input
                id={id}
                class="control"
                aria-invalid={wrong === undefined ? undefined : "true"}
                aria-describedby={`${id}-help`}
                value={value}
                onInput={(event) => onChange(event.currentTarget.value)}
            />
            <p class={wrong === undefined ? "help" : "wrong"} id={`${id}-help`}>
                {wrong ?? help}
            </p>
        </div>
    );
}
