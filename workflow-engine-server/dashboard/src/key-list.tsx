// The keys that work on this page.
import { Dialog } from "./parts/dialog";
import { activeKeys } from "./lib/keys";

export function KeyList({ onClose }: { onClose: () => void }) {
    const keys = activeKeys().map(({ key, does }) => ({ key, does }));
    return (
        <Dialog title="Keys" onClose={onClose}>
            <dl class="keys">
                {keys.map(({ key, does }) => (
                    <>
                        <dt key={key}>
                            {key.split(" ").map((part) => (
                                <kbd key={part}>{part}</kbd>
                            ))}
                        </dt>
                        <dd key={`${key} does`}>{does}</dd>
                    </>
                ))}
            </dl>
        </Dialog>
    );
}
