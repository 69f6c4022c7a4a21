// JSON that keeps every digit: `9007199254740993` stays as it is written.

/** A number that a JavaScript number would change. */
export class ExactNumber {
    constructor(readonly text: string) {}
    toString(): string {
        return this.text;
    }
    toJSON(): number {
        return Number(this.text);
    }
}

export type Json = null | boolean | number | string | ExactNumber | Json[] | { [key: string]: Json };

// Where a value may begin: sixteen digits, many decimals, a zero at the end of them, an exponent, or minus zero.
const SUSPECT = /(?:^|[:,[])\s*(?:-?(?:\d{16}|\d+\.\d{12}|\d+\.\d*0(?!\d)|[\d.]+[eE])|-0(?![\d.]))/;

/** Reads JSON. It is slower than `JSON.parse` only where a number may need it. */
export function parse(text: string): unknown {
    return SUSPECT.test(text) ? new Reader(text).whole() : JSON.parse(text);
}

/** Reads JSON with all of its numbers as they are written. */
export function parseExact(text: string): Json {
    return new Reader(text).whole();
}

/** Writes JSON. */
export function write(value: unknown, indent = "", step = "  "): string {
    if (value === undefined) return "null";
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    if (value instanceof ExactNumber) return value.text;
    const inner = indent + step;
    const [newline, end, colon] = step === "" ? ["", "", ":"] : [`\n${inner}`, `\n${indent}`, ": "];
    if (Array.isArray(value)) {
        if (value.length === 0) return "[]";
        return `[${newline}${value.map((item) => write(item, inner, step)).join(`,${newline}`)}${end}]`;
    }
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    if (entries.length === 0) return "{}";
    const lines = entries.map(([key, item]) => `${JSON.stringify(key)}${colon}${write(item, inner, step)}`);
    return `{${newline}${lines.join(`,${newline}`)}${end}}`;
}

/** Writes JSON in one line. */
export function compact(value: unknown): string {
    return write(value, "", "");
}

class Reader {
    private at = 0;

    constructor(private readonly text: string) {}

    whole(): Json {
        const value = this.value(0);
        this.space();
        if (this.at < this.text.length) this.fail();
        return value;
    }

    private value(depth: number): Json {
        if (depth > 512) this.fail();
        this.space();
        const first = this.text[this.at];
        if (first === "{") return this.object(depth);
        if (first === "[") return this.array(depth);
        if (first === '"') return this.string();
        const word = /(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
        word.lastIndex = this.at;
        const found = word.exec(this.text)?.[0];
        if (found === undefined) return this.fail();
        this.at += found.length;
        if (found === "true") return true;
        if (found === "false") return false;
        if (found === "null") return null;
        const number = Number(found);
        return String(number) === found ? number : new ExactNumber(found);
    }

    private object(depth: number): Json {
        const object: { [key: string]: Json } = Object.create(null);
        this.at += 1;
        for (;;) {
            this.space();
            if (this.take("}")) return object;
            if (this.text[this.at] !== '"') this.fail();
            const key = this.string();
            this.space();
            if (!this.take(":")) this.fail();
            object[key] = this.value(depth + 1);
            this.space();
            if (!this.take(",") && this.text[this.at] !== "}") this.fail();
        }
    }

    private array(depth: number): Json {
        const items: Json[] = [];
        this.at += 1;
        for (;;) {
            this.space();
            if (this.take("]")) return items;
            items.push(this.value(depth + 1));
            this.space();
            if (!this.take(",") && this.text[this.at] !== "]") this.fail();
        }
    }

    private string(): string {
        let end = this.at + 1;
        while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === "\\" ? 2 : 1;
        const text = this.text.slice(this.at, end + 1);
        this.at = end + 1;
        return JSON.parse(text) as string;
    }

    private take(character: string): boolean {
        const found = this.text[this.at] === character;
        if (found) this.at += 1;
        return found;
    }

    private space(): void {
        while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
    }

    private fail(): never {
        throw new SyntaxError(`this is not JSON at character ${this.at + 1}`);
    }
}
