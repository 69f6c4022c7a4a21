// The dashboard: a client of the public API.
import { render } from "preact";
import { LocationProvider } from "preact-iso";
import { loadLater } from "./later";
import { base } from "./lib/base";
import { begin } from "./session";
import { Shell } from "./shell";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/runs.css";
import "./styles/run.css";
import "./styles/pages.css";

void begin();
const root = document.getElementById("app");
if (root !== null) {
    render(
        <LocationProvider scope={base}>
            <Shell />
        </LocationProvider>,
        root,
    );
}
loadLater();
