// Writes the types of the API from the document that the server's table of routes makes.
import { readFileSync, writeFileSync } from "node:fs";

const source = new URL("../../openapi.json", import.meta.url);
const target = new URL("../src/api/types.ts", import.meta.url);
const document = JSON.parse(readFileSync(source, "utf8"));

const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

function unionOf(types) {
    return [...new Set(types)].join(" | ") || "never";
}

function typeOf(schema, indent) {
    if (schema === undefined || schema === true) return "unknown";
    if (schema === false) return "never";
    if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1);
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum !== undefined) return unionOf(schema.enum.map((value) => JSON.stringify(value)));
    const any = schema.anyOf ?? schema.oneOf;
    if (any !== undefined) {
        const parts = unionOf(any.map((part) => typeOf(part, indent)));
        return schema.properties === undefined ? parts : `(${parts}) & ${objectOf(schema, indent)}`;
    }
    if (schema.allOf !== undefined) return schema.allOf.map((part) => typeOf(part, indent)).join(" & ");
    const kinds = [schema.type ?? []].flat();
    if (kinds.length > 1) return unionOf(kinds.map((type) => typeOf({ ...schema, type }, indent)));
    switch (kinds[0]) {
        case "string": return "string";
        case "integer":
        case "number": return "number";
        case "boolean": return "boolean";
        case "null": return "null";
        case "array": {
            const item = typeOf(schema.items, indent);
            return item.includes(" | ") ? `(${item})[]` : `${item}[]`;
        }
        case "object": return objectOf(schema, indent);
        default: return schema.properties === undefined ? "unknown" : objectOf(schema, indent);
    }
}

function objectOf(schema, indent) {
    const required = new Set(schema.required ?? []);
    const inner = `${indent}    `;
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => {
        const mark = required.has(name) ? "" : "?";
        return `${comment(field, inner)}${inner}${key(name)}${mark}: ${typeOf(field, inner)};\n`;
    });
    if (fields.length > 0) return `{\n${fields.join("")}${indent}}`;
    const more = schema.additionalProperties;
    return more === undefined || more === false ? "Record<string, unknown>" : `Record<string, ${typeOf(more, indent)}>`;
}

function comment(schema, indent) {
    const text = schema?.description;
    return text === undefined ? "" : `${indent}/** ${text.replaceAll("\n", " ").replaceAll("*/", "*\\/")} */\n`;
}

// schemars numbers the instances of a generic type; TypeScript has generic types itself.
const isPage = (name) => /^PageView\d*$/.test(name);
const { PageView: page, ...rest } = document.components.schemas;
const generic = { ...page, properties: { ...page.properties, items: { type: "array", items: { $ref: "#/T" } } } };
const schemas = Object.entries({ ...rest, "Page<T>": generic })
    .filter(([name]) => !isPage(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
const types = schemas.map(([name, schema]) => `${comment(schema, "")}export type ${name} = ${typeOf(schema, "")};\n`);
const head = "// Generated from openapi.json by scripts/types.mjs.\n\n";
writeFileSync(target, head + types.join("\n"));
