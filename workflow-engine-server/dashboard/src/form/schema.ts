// What a JSON Schema means for a form. What a form cannot show is edited as JSON.
import type { Json } from "../lib/exact";

export interface Schema {
    $ref?: string;
    $defs?: Record<string, Schema>;
    type?: string | string[];
    const?: Json;
    enum?: Json[];
    default?: Json;
    title?: string;
    description?: string;
    properties?: Record<string, Schema>;
    required?: string[];
    items?: Schema | boolean;
    prefixItems?: Schema[];
    oneOf?: Schema[];
    anyOf?: Schema[];
    allOf?: Schema[];
    additionalProperties?: Schema | boolean;
    minimum?: number;
    maximum?: number;
    minItems?: number;
    maxLength?: number;
    format?: string;
    pattern?: string;
}

export type Kind =
    | { kind: "fixed"; value: Json }
    | { kind: "choice"; values: Json[] }
    | { kind: "text" | "number" | "flag" | "nothing" | "json" }
    | { kind: "optional"; inner: Schema }
    | { kind: "list"; item: Schema }
    | { kind: "tuple"; items: Schema[] }
    | { kind: "object"; fields: [string, Schema][]; required: ReadonlySet<string> }
    | { kind: "union"; variants: Variant[] };

export interface Variant {
    name: string;
    schema: Schema;
}

/** Follows references, and keeps the description that stands beside one. */
export function resolve(schema: Schema, root: Schema): Schema {
    let found = schema;
    for (let depth = 0; depth < 20 && found.$ref !== undefined; depth += 1) {
        const name = decodeURIComponent(found.$ref.split("/").at(-1) ?? "");
        const { $ref: _, ...beside } = found;
        found = { ...root.$defs?.[name], ...beside };
    }
    const only = found.allOf?.length === 1 ? found.allOf[0] : undefined;
    if (only !== undefined) {
        const { allOf: _, ...beside } = found;
        return { ...resolve(only, root), ...beside };
    }
    return found;
}

export function kindOf(given: Schema, root: Schema): Kind {
    const schema = resolve(given, root);
    if (schema.const !== undefined) return { kind: "fixed", value: schema.const };
    const types = [schema.type ?? []].flat();
    const choices = schema.enum;
    if (choices !== undefined && choices.every((value) => typeof value !== "object" || value === null)) {
        const values = choices.filter((value) => value !== null);
        const inner: Kind = { kind: "choice", values };
        return values.length < choices.length ? { kind: "optional", inner: { ...schema, enum: values } } : inner;
    }
    const any = schema.oneOf ?? schema.anyOf;
    if (any !== undefined && schema.properties === undefined) {
        const rest = any.filter((part) => resolve(part, root).type !== "null");
        const one = rest[0];
        if (rest.length < any.length && one !== undefined) {
            const inner = rest.length === 1 ? { ...one, ...(schema.description && { description: schema.description }) } : { ...schema, oneOf: rest, anyOf: rest };
            return { kind: "optional", inner };
        }
        const constants = rest.map((part) => resolve(part, root).const);
        if (constants.every((value) => value !== undefined)) return { kind: "choice", values: constants };
        return { kind: "union", variants: rest.flatMap((part, index) => variantsOf(part, root, index)) };
    }
    if (types.length === 2 && types.includes("null")) {
        return { kind: "optional", inner: { ...schema, type: types.find((type) => type !== "null") ?? "null" } };
    }
    switch (types.length === 1 ? types[0] : undefined) {
        case "string":
            return { kind: "text" };
        case "integer":
        case "number":
            return { kind: "number" };
        case "boolean":
            return { kind: "flag" };
        case "null":
            return { kind: "nothing" };
        case "array":
            if (schema.prefixItems !== undefined) return { kind: "tuple", items: schema.prefixItems };
            return typeof schema.items === "object" ? { kind: "list", item: schema.items } : { kind: "json" };
        case "object":
            break;
        default:
            if (schema.properties === undefined) return { kind: "json" };
    }
    const isMap = typeof schema.additionalProperties === "object" || schema.additionalProperties === true;
    if (isMap || any !== undefined || (schema.properties === undefined && schema.additionalProperties !== false)) return { kind: "json" };
    return { kind: "object", fields: fieldsOf(schema), required: new Set(schema.required ?? []) };
}

/** The fields in the order of the type where it is known: stored schemas sort their keys, and `required` is a list. */
function fieldsOf(schema: Schema): [string, Schema][] {
    const place = (name: string): number => {
        const at = (schema.required ?? []).indexOf(name);
        return at < 0 ? Number.MAX_SAFE_INTEGER : at;
    };
    return Object.entries(schema.properties ?? {}).sort(([a], [b]) => place(a) - place(b));
}

/** Whether there is nothing to give: an object without fields. */
export function isBlank(schema: Schema, root: Schema): boolean {
    const kind = kindOf(schema, root);
    return kind.kind === "object" && kind.fields.length === 0;
}

/** A variant of a union, named by its tag. Several names of variants without fields may stand in one enumeration. */
function variantsOf(part: Schema, root: Schema, index: number): Variant[] {
    const schema = resolve(part, root);
    if (schema.enum !== undefined) return schema.enum.map((value) => ({ name: String(value), schema: { const: value } }));
    if (schema.const !== undefined) return [{ name: String(schema.const), schema }];
    const fields = Object.entries(schema.properties ?? {});
    const tag = fields.find(([, field]) => typeof resolve(field, root).const === "string");
    const only = fields.length === 1 && schema.required?.length === 1 ? fields[0]?.[0] : undefined;
    const tagged = tag === undefined ? undefined : String(resolve(tag[1], root).const);
    const type = typeof schema.type === "string" ? schema.type : undefined;
    return [{ name: tagged ?? only ?? schema.title ?? type ?? `variant ${index + 1}`, schema }];
}

/** The value with which a form begins. `undefined` is one that the user has to give. */
export function initial(given: Schema, root: Schema, depth = 0): Json | undefined {
    const schema = resolve(given, root);
    if (schema.default !== undefined) return schema.default;
    const kind = kindOf(schema, root);
    switch (kind.kind) {
        case "fixed":
            return kind.value;
        case "optional":
        case "nothing":
            return null;
        case "flag":
            return false;
        case "list":
            return [];
        case "tuple":
            return kind.items.map((item) => initial(item, root, depth + 1) ?? null);
        case "choice":
            return kind.values[0];
        case "union": {
            const first = kind.variants[0];
            return first === undefined || depth > 8 ? undefined : initial(first.schema, root, depth + 1);
        }
        case "object": {
            if (depth > 8) return undefined;
            const wanted = kind.fields.filter(([name, field]) => kind.required.has(name) || resolve(field, root).default !== undefined);
            const entries = wanted.map(([name, field]) => [name, initial(field, root, depth + 1)] as const);
            return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Json;
        }
        default:
            return undefined;
    }
}

/** Returns which variant a value is. */
export function variantOf(value: Json | undefined, variants: Variant[], root: Schema): number {
    const fits = (schema: Schema): boolean => {
        const kind = kindOf(schema, root);
        if (kind.kind === "fixed") return kind.value === value;
        if (kind.kind !== "object") return matchesType(value, kind.kind);
        if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
        const object = value as { [key: string]: Json };
        return kind.fields.every(([name, field]) => {
            const inner = kindOf(field, root);
            if (inner.kind === "fixed") return object[name] === inner.value;
            return kind.fields.length > 1 || !kind.required.has(name) || name in object;
        });
    };
    return Math.max(0, variants.findIndex(({ schema }) => fits(schema)));
}

function matchesType(value: Json | undefined, kind: string): boolean {
    if (kind === "text" || kind === "choice") return typeof value === "string";
    if (kind === "flag") return typeof value === "boolean";
    if (kind === "list" || kind === "tuple") return Array.isArray(value);
    if (kind === "number") return typeof value === "number" || (typeof value === "object" && value !== null && "text" in value);
    return value === null;
}
