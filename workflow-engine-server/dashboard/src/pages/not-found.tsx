// An address that no page has.
import { Empty } from "../parts/basics";
import { href } from "../lib/base";
import { useTitle } from "../lib/title";

export function NotFound() {
    useTitle("Not found");
    return (
        <Empty title="There is no such page">
            <a href={href("")}>All runs</a>
        </Empty>
    );
}
