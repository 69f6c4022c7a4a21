// An address that no page has.
import { href } from "../lib/base";
import { useTitle } from "../lib/title";

export function NotFound() {
    useTitle("Not found");
    return (
        <div class="empty">
            <h1>There is no such page</h1>
            <a href={href("")}>All runs</a>
        </div>
    );
}
