// How the sources become files: `app.js` shows the first page, `more.js` the others, and `shared.js` is what both use.
export const options = (root) => ({
    entryPoints: { app: new URL("src/main.tsx", root).pathname, more: new URL("src/more.ts", root).pathname },
    outdir: new URL("dist", root).pathname,
    bundle: true,
    // Its main file would make another file, for rendering on a server.
    alias: { "preact-iso": "preact-iso/router" },
    splitting: true,
    // Two entries share one file, so its name needs no hash, and the server knows it.
    chunkNames: "shared",
    write: false,
    format: "esm",
    target: ["chrome111", "firefox113", "safari16.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    define: { "process.env.NODE_ENV": '"production"' },
});
