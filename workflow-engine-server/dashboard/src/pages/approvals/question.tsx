// What a stage asks: a text as it is, a plain object as a list of its fields, and anything else as JSON.
import { compact, ExactNumber, type Json, write } from "../../lib/exact";
import { JsonText } from "../../parts/json";

export function Question({ value }: { value: Json }) {
    if (isPlain(value)) return <p class="question">{textOf(value)}</p>;
    const fields = fieldsOf(value);
    if (fields === undefined) return <JsonText text={write(value)} />;
    return (
        <dl class="question-fields">
            {fields.map(([name, field]) => (
                <div key={name}>
                    <dt>{name}</dt>
                    <dd>{isPlain(field) ? textOf(field) : <JsonText text={write(field)} />}</dd>
                </div>
            ))}
        </dl>
    );
}

/** The question in one line. */
export function firstLine(value: Json): string {
    if (isPlain(value)) return textOf(value).split("\n")[0] ?? "";
    const fields = fieldsOf(value);
    if (fields === undefined) return compact(value).slice(0, 200);
    const plain = fields.filter(([, field]) => isPlain(field));
    return plain.map(([name, field]) => `${name}: ${textOf(field)}`).join(", ").slice(0, 200);
}

type Plain = null | boolean | number | string | ExactNumber;

const isPlain = (value: Json): value is Plain => value === null || typeof value !== "object" || value instanceof ExactNumber;

function textOf(value: Json): string {
    if (value === null) return "–";
    return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** The fields of an object that is small enough for a list. */
function fieldsOf(value: Json): [string, Json][] | undefined {
    if (value === null || typeof value !== "object" || Array.isArray(value) || value instanceof ExactNumber) return undefined;
    const fields = Object.entries(value);
    return fields.length > 0 && fields.length <= 24 ? fields : undefined;
}
