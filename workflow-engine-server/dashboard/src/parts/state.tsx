// States, told by shape, word and colour.
import type { Phase, Status } from "../api/types";

export type Tone = "running" | "waiting" | "completed" | "failed" | "quiet";
type Shape = "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled" | "skipped" | "retrying";

interface Look {
    tone: Tone;
    shape: Shape;
    word: string;
}

const LOOKS: Record<string, Look> = {
    queued: { tone: "quiet", shape: "queued", word: "Queued" },
    running: { tone: "running", shape: "running", word: "Running" },
    waiting: { tone: "waiting", shape: "waiting", word: "Waiting" },
    completed: { tone: "completed", shape: "completed", word: "Completed" },
    failed: { tone: "failed", shape: "failed", word: "Failed" },
    cancelled: { tone: "quiet", shape: "cancelled", word: "Cancelled" },
    skipped: { tone: "quiet", shape: "skipped", word: "Skipped" },
    pending: { tone: "quiet", shape: "queued", word: "Not started" },
    retrying: { tone: "waiting", shape: "retrying", word: "Retrying" },
    suspended: { tone: "waiting", shape: "waiting", word: "Waiting" },
    retried: { tone: "waiting", shape: "retrying", word: "Failed, retried" },
    returned: { tone: "quiet", shape: "queued", word: "Returned to the queue" },
    dead: { tone: "failed", shape: "failed", word: "Dead" },
    drained: { tone: "quiet", shape: "completed", word: "Drained" },
    gone: { tone: "failed", shape: "failed", word: "Gone" },
    unknown: { tone: "quiet", shape: "skipped", word: "Unknown" },
};

export function lookOf(state: string): Look {
    return LOOKS[state.toLowerCase()] ?? { tone: "quiet", shape: "skipped", word: state };
}

/** The word and mark of a state. */
export function State({ of, word }: { of: Phase | Status | string; word?: string }) {
    const look = lookOf(of);
    return (
        <span class={`state tone-${look.tone}`}>
            <Mark shape={look.shape} />
            {word ?? look.word}
        </span>
    );
}

/** The mark alone; a word is beside it. */
export function Mark({ shape }: { shape: Shape }) {
    return (
        <svg viewBox="0 0 16 16" aria-hidden="true" width="14" height="14">
            <Shape shape={shape} />
        </svg>
    );
}

/** The shapes, in a box of 16. */
export function Shape({ shape }: { shape: Shape }) {
    const line = { fill: "none", stroke: "currentColor", "stroke-width": 1.75, "stroke-linecap": "round" as const };
    switch (shape) {
        case "completed":
            return (
                <>
                    <circle cx="8" cy="8" r="7" fill="currentColor" />
                    <path d="M4.8 8.200 7 10.400l4.200-4.600" {...line} stroke="var(--surface)" stroke-linejoin="round" />
                </>
            );
        case "failed":
            return (
                <>
                    <path d="M5.200 1h5.600L15 5.200v5.600L10.800 15H5.200L1 10.800V5.200Z" fill="currentColor" />
                    <path d="m5.600 5.600 4.800 4.800m0-4.800-4.800 4.800" {...line} stroke="var(--surface)" />
                </>
            );
        case "running":
            return (
                <>
                    <circle cx="8" cy="8" r="6.200" {...line} opacity="0.28" />
                    <path class="spin" d="M8 1.800a6.200 6.200 0 0 1 6.200 6.200" {...line} />
                </>
            );
        case "waiting":
            return (
                <>
                    <circle cx="8" cy="8" r="6.200" {...line} />
                    <path d="M8 4.600V8l2.200 1.600" {...line} />
                </>
            );
        case "retrying":
            return (
                <>
                    <path d="M13.600 6.400A6 6 0 1 0 14 9" {...line} />
                    <path d="M14.200 2.600v3.800h-3.800" {...line} stroke-linejoin="round" />
                </>
            );
        case "cancelled":
            return (
                <>
                    <circle cx="8" cy="8" r="6.200" {...line} />
                    <path d="M4 12 12 4" {...line} />
                </>
            );
        case "skipped":
            return <circle cx="8" cy="8" r="6.200" {...line} stroke-dasharray="2.600 2.600" />;
        default:
            return <circle cx="8" cy="8" r="6.200" {...line} />;
    }
}
