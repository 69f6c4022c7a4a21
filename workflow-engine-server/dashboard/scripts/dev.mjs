// Serves the sources and passes the API on: `npm run dev -- http://127.0.0.1:7373`.
import { createServer, request } from "node:http";
import { readFileSync } from "node:fs";
import { context } from "esbuild";
import { options } from "./bundle.mjs";

const upstream = new URL(process.argv[2] ?? "http://127.0.0.1:7373");
const port = Number(process.argv[3] ?? 7374);
const root = new URL("../", import.meta.url);
const builder = await context({ ...options(root), sourcemap: "inline" });
const types = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

createServer(async (incoming, outgoing) => {
    const path = incoming.url.split("?")[0];
    const answer = (type, body, headers = {}) => {
        outgoing.writeHead(200, { "content-type": type, "cache-control": "no-store", ...headers }).end(body);
    };
    if (/^\/\w+\.(js|css)$/.test(path)) {
        try {
            const { outputFiles } = await builder.rebuild();
            const file = outputFiles.find((output) => output.path.endsWith(path));
            answer(types[path.split(".").at(-1)], file.contents);
        } catch (error) {
            answer("text/javascript", `console.error(${JSON.stringify(String(error))})`);
        }
    } else if (path === "/icon.svg") {
        answer(types.svg, readFileSync(new URL("src/icon.svg", root)));
    } else if (path.startsWith("/api/")) {
        const { hostname, port } = upstream;
        const headers = { ...incoming.headers, host: upstream.host };
        const passed = request({ hostname, port, path: incoming.url, method: incoming.method, headers }, (response) => {
            outgoing.writeHead(response.statusCode, response.headers);
            response.pipe(outgoing);
        });
        passed.on("error", () => outgoing.writeHead(502).end());
        outgoing.on("close", () => passed.destroy());
        incoming.pipe(passed);
    } else {
        const depth = Math.max(path.split("/").length - 2, 0);
        const base = depth === 0 ? "./" : "../".repeat(depth);
        const page = readFileSync(new URL("src/index.html", root), "utf8");
        answer("text/html; charset=utf-8", page.replace('<base href="./">', `<base href="${base}">`));
    }
}).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}/`));
