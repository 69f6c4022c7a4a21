// Short messages, which a screen reader reads too.
import { signal } from "@preact/signals";

interface Message {
    id: number;
    text: string;
}

const messages = signal<Message[]>([]);
let next = 0;

/** Shows a message for some seconds. */
export function say(text: string): void {
    const id = (next += 1);
    messages.value = [...messages.value.slice(-2), { id, text }];
    window.setTimeout(() => {
        messages.value = messages.value.filter((message) => message.id !== id);
    }, 5_000);
}

export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {messages.value.map(({ id, text }) => (
                <div key={id} class="toast">
                    {text}
                </div>
            ))}
        </div>
    );
}
