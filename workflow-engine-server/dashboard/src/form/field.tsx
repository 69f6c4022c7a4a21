// One value of a form, and everything within it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ExactNumber, type Json, parseExact, write } from "../lib/exact";
import { initial, isBlank, kindOf, resolve, type Schema, variantOf } from "./schema";

export interface FieldProps {
    schema: Schema;
    root: Schema;
    value: Json | undefined;
    onChange: (value: Json | undefined) => void;
    label: string;
    /** The JSON pointer, by which errors find their field. */
    pointer: string;
    errors: ReadonlyMap<string, string[]>;
    isRequired?: boolean;
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

export function Field(props: FieldProps) {
    const { schema: given, root, value, onChange, label, pointer, errors } = props;
    const schema = resolve(given, root);
    const kind = kindOf(given, root);
    const id = `field${pointer.replaceAll("/", "-")}`;
    const wrong = errors.get(pointer);
    const invalid = wrong !== undefined ? ("true" as const) : undefined;
    const about = schema.description;
    const described = [about && `${id}-help`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
    const shared = { id, "aria-invalid": invalid, "aria-describedby": described };
    const simple = (control: ComponentChildren) => (
        <div class="field">
            <label for={id}>
                {label}
                {props.isRequired === false && <span class="muted"> optional</span>}
            </label>
            {control}
            <Help id={id} about={about} limits={limitsOf(schema)} wrong={wrong} />
        </div>
    );
    switch (kind.kind) {
        case "fixed":
        case "nothing":
            return null;
        case "choice":
            return simple(
                <select
                    class="control"
                    {...shared}
                    value={kind.values.findIndex((other) => other === value)}
                    onChange={(event) => onChange(kind.values[Number(event.currentTarget.value)])}
                >
                    {value === undefined && <option value={-1}>Choose</option>}
                    {kind.values.map((choice, index) => (
                        <option key={index} value={index}>
                            {String(choice)}
                        </option>
                    ))}
                </select>,
            );
        case "text":
            return simple(
                (schema.maxLength ?? 0) > 200 ? (
                    <textarea class="control" {...shared} value={textOf(value)} onInput={(event) => onChange(event.currentTarget.value)} />
                ) : (
                    <input class="control" {...shared} value={textOf(value)} onInput={(event) => onChange(event.currentTarget.value)} />
                ),
            );
        case "number":
            return simple(
                <input
                    class="control num"
                    inputMode="decimal"
                    {...shared}
                    value={value instanceof ExactNumber ? value.text : textOf(value)}
                    onInput={(event) => {
                        const text = event.currentTarget.value.trim();
                        // Every digit is kept; what is no number is sent as text, and the server says so.
                        onChange(text === "" ? undefined : NUMBER.test(text) ? new ExactNumber(text) : text);
                    }}
                />,
            );
        case "flag":
            return (
                <div class="field">
                    <label class="row check">
                        <input type="checkbox" {...shared} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
                        {label}
                    </label>
                    <Help id={id} about={about} wrong={wrong} />
                </div>
            );
        case "optional":
            return (
                <Optional {...props} isSet={value !== null && value !== undefined} onSet={(isSet) => onChange(isSet ? (initial(kind.inner, root) ?? "") : null)}>
                    <Field {...props} schema={kind.inner} />
                </Optional>
            );
        case "list":
        case "tuple": {
            const items = Array.isArray(value) ? value : [];
            const itemSchema = (index: number): Schema => (kind.kind === "list" ? kind.item : (kind.items[index] ?? {}));
            const set = (index: number, item: Json | undefined): void => onChange(items.map((old, at) => (at === index ? (item ?? null) : old)));
            return (
                <Group label={label} about={about} wrong={wrong} id={id}>
                    {items.map((item, index) => (
                        <div key={index} class="item">
                            <Field
                                schema={itemSchema(index)}
                                root={root}
                                value={item}
                                onChange={(changed) => set(index, changed)}
                                label={`${label} ${index + 1}`}
                                pointer={`${pointer}/${index}`}
                                errors={errors}
                            />
                            {kind.kind === "list" && (
                                <button type="button" class="button plain small" onClick={() => onChange(items.filter((_, at) => at !== index))}>
                                    Remove {label} {index + 1}
                                </button>
                            )}
                        </div>
                    ))}
                    {kind.kind === "list" && (
                        <div>
                            <button type="button" class="button small" onClick={() => onChange([...items, initial(kind.item, root) ?? ""])}>
                                Add to {label}
                            </button>
                        </div>
                    )}
                </Group>
            );
        }
        case "object": {
            const object = asObject(value);
            const set = (name: string, changed: Json | undefined): void => {
                const { [name]: _, ...rest } = object;
                onChange(changed === undefined ? rest : { ...rest, [name]: changed });
            };
            const fields = kind.fields.map(([name, field]) => {
                const inner: FieldProps = {
                    schema: field,
                    root,
                    value: object[name],
                    onChange: (changed) => set(name, changed),
                    label: name,
                    pointer: `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
                    errors,
                };
                if (isBlank(field, root)) return null;
                const hasDefault = resolve(field, root).default !== undefined;
                const isOptional = !kind.required.has(name) && !hasDefault && kindOf(field, root).kind !== "optional";
                if (!isOptional) return <Field key={name} {...inner} />;
                return (
                    <Optional key={name} {...inner} isSet={name in object} onSet={(isSet) => set(name, isSet ? (initial(field, root) ?? "") : undefined)}>
                        <Field {...inner} />
                    </Optional>
                );
            });
            if (label === "") return <div class="stack">{fields}</div>;
            return (
                <Group label={label} about={about} wrong={wrong} id={id}>
                    {fields}
                </Group>
            );
        }
        case "union": {
            const at = variantOf(value, kind.variants, root);
            const variant = kind.variants[at];
            return (
                <Group label={label} about={about} wrong={wrong} id={id}>
                    <div class="field">
                        <label class="visually-hidden" for={id}>
                            Kind of {label}
                        </label>
                        <select
                            class="control"
                            {...shared}
                            value={at}
                            onChange={(event) => onChange(initial(kind.variants[Number(event.currentTarget.value)]?.schema ?? {}, root))}
                        >
                            {kind.variants.map(({ name }, index) => (
                                <option key={name} value={index}>
                                    {name}
                                </option>
                            ))}
                        </select>
                    </div>
                    {variant && <Field key={at} {...props} schema={variant.schema} label="" pointer={pointer} />}
                </Group>
            );
        }
        case "json":
            return simple(<JsonField id={id} invalid={invalid} value={value} onChange={onChange} />);
    }
}

const asObject = (value: Json | undefined): { [key: string]: Json } =>
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof ExactNumber) ? value : {};

const textOf = (value: Json | undefined): string => (value === undefined || value === null || typeof value === "object" ? "" : String(value));

function limitsOf(schema: Schema): string {
    const { minimum, maximum, format } = schema;
    const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : maximum !== undefined ? `at most ${maximum}` : minimum ? `at least ${minimum}` : "";
    const shown = format === "date-time" ? "2026-11-30T12:00:00Z" : format === "uri" ? "https://…" : "";
    return [range, shown].filter(Boolean).join(", ");
}

function Help({ id, about, limits, wrong }: { id: string; about: string | undefined; limits?: string; wrong: string[] | undefined }) {
    return (
        <>
            {(about || limits) && (
                <p class="help" id={`${id}-help`}>
                    {[about, limits].filter(Boolean).join(" ")}
                </p>
            )}
            {wrong && (
                <p class="wrong" id={`${id}-wrong`}>
                    {wrong.join("; ")}
                </p>
            )}
        </>
    );
}

interface GroupProps {
    label: string;
    about: string | undefined;
    wrong: string[] | undefined;
    id: string;
    children: ComponentChildren;
}

function Group({ label, about, wrong, id, children }: GroupProps) {
    return (
        <fieldset class="group">
            <legend>{label}</legend>
            <Help id={`${id}-group`} about={about} wrong={wrong} />
            {children}
        </fieldset>
    );
}

interface OptionalProps {
    label: string;
    isSet: boolean;
    onSet: (isSet: boolean) => void;
    children: ComponentChildren;
}

function Optional({ label, isSet, onSet, children }: OptionalProps) {
    return (
        <div class="optional">
            <label class="row check">
                <input type="checkbox" checked={isSet} onChange={(event) => onSet(event.currentTarget.checked)} />
                {isSet ? `Give ${label}` : label} {!isSet && <span class="muted">not given</span>}
            </label>
            {isSet && children}
        </div>
    );
}

interface JsonFieldProps {
    id: string;
    invalid: "true" | undefined;
    value: Json | undefined;
    onChange: (value: Json | undefined) => void;
}

/** A value that the form cannot show otherwise. */
function JsonField({ id, invalid, value, onChange }: JsonFieldProps) {
    const [text, setText] = useState(value === undefined ? "" : write(value));
    const [fault, setFault] = useState<string | undefined>(undefined);
    return (
        <>
            <textarea
                id={id}
                class="control"
                aria-invalid={fault === undefined ? invalid : "true"}
                spellcheck={false}
                placeholder="JSON"
                value={text}
                onInput={(event) => {
                    setText(event.currentTarget.value);
                    try {
                        onChange(parseExact(event.currentTarget.value));
                        setFault(undefined);
                    } catch (error) {
                        onChange(undefined);
                        setFault(error instanceof Error ? error.message : String(error));
                    }
                }}
            />
            {fault && <p class="wrong">{fault}</p>}
        </>
    );
}
