// The page of a browser without a session.
import { useState } from "preact/hooks";
import { Failure } from "./parts/basics";
import { logIn, loginError } from "./session";
import { useTitle } from "./lib/title";

export function Login() {
    const [token, setToken] = useState("");
    useTitle("Log in");
    return (
        <main class="login stack">
            <h1>Log in</h1>
            <p class="muted">
                The server prints an address with a token when it starts. Open that address, or paste the token here. The
                browser exchanges it for a session of 12 hours.
            </p>
            <form
                class="stack"
                onSubmit={(event) => {
                    event.preventDefault();
                    void logIn(token.trim());
                }}
            >
                <div class="field">
                    <label for="token">Token</label>
                    <input
                        id="token"
                        class="control mono"
                        type="password"
                        autocomplete="current-password"
                        value={token}
                        onInput={(event) => setToken(event.currentTarget.value)}
                    />
                </div>
                <button class="button primary" type="submit" disabled={token.trim() === ""}>
                    Log in
                </button>
            </form>
            {loginError.value && <Failure error={loginError.value} />}
        </main>
    );
}
