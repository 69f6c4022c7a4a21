// Builds `dist`, which the server embeds. The output depends on the sources and the versions in package-lock.json alone.
import { readFileSync, rmSync, mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { gzipSync } from "fflate";
import { options } from "./bundle.mjs";

const root = new URL("../", import.meta.url);
const file = (path) => new URL(path, root);
/** The most bytes of the first page, and of all files, compressed. */
const limits = { first: 60_000, all: 150_000 };
/** What the first page does without. */
const isLater = (name) => name === "more.js";

rmSync(file("dist"), { recursive: true, force: true });
mkdirSync(file("dist"));
const { outputFiles } = await build({ ...options(root), minify: true, legalComments: "none" });
const files = outputFiles.map(({ path, contents }) => [path.split("/").at(-1), contents]);
files.push(["icon.svg", readFileSync(file("src/icon.svg"))]);
const page = readFileSync(file("src/index.html"));
writeFileSync(file("dist/index.html"), page);
let first = page.length;
let all = page.length;
for (const [name, contents] of files.sort(([a], [b]) => (a < b ? -1 : 1))) {
    // fflate writes the same bytes under every version of node.
    const gzip = gzipSync(contents, { level: 9, mtime: 0 });
    writeFileSync(file(`dist/${name}`), contents);
    writeFileSync(file(`dist/${name}.gz`), gzip);
    all += gzip.length;
    if (!isLater(name)) first += gzip.length;
    console.log(`${name}  ${contents.length} bytes, ${gzip.length} compressed`);
}
console.log(`first page ${first} bytes, at most ${limits.first}; all ${all} bytes, at most ${limits.all}`);
if (first > limits.first || all > limits.all) {
    console.error("the files are too large");
    process.exitCode = 1;
}
