// Builds `dist`, which the server embeds. The output depends on the sources and the versions in package-lock.json alone.
import { readFileSync, rmSync, mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { gzipSync } from "fflate";

const root = new URL("../", import.meta.url);
const file = (path) => new URL(path, root);
const limit = 60_000;

rmSync(file("dist"), { recursive: true, force: true });
mkdirSync(file("dist"));
const { outputFiles } = await build({
    entryPoints: { app: file("src/main.tsx").pathname },
    outdir: file("dist").pathname,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: ["chrome111", "firefox113", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
});
const files = outputFiles.map(({ path, contents }) => [path.split("/").at(-1), contents]);
files.push(["icon.svg", readFileSync(file("src/icon.svg"))]);
let total = 0;
for (const [name, contents] of files.sort(([a], [b]) => (a < b ? -1 : 1))) {
    // fflate writes the same bytes under every version of node.
    const gzip = gzipSync(contents, { level: 9, mtime: 0 });
    writeFileSync(file(`dist/${name}`), contents);
    writeFileSync(file(`dist/${name}.gz`), gzip);
    total += gzip.length;
    console.log(`${name}  ${contents.length} bytes, ${gzip.length} compressed`);
}
const page = readFileSync(file("src/index.html"));
writeFileSync(file("dist/index.html"), page);
total += page.length;
console.log(`total ${total} bytes, at most ${limit}`);
if (total > limit) {
    console.error("the first load is too large");
    process.exitCode = 1;
}
