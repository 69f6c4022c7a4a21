// The answer to a question: two buttons and a comment for an approval, and a form of its schema for anything else.
import { useRef, useState } from "preact/hooks";
import { ApiError, post, segment } from "../../api/client";
import type { Signalled } from "../../api/types";
import { Field } from "../../form/field";
import { initial, isBlank, kindOf, type Schema } from "../../form/schema";
import { compact, type Json } from "../../lib/exact";
import { useKeys } from "../../lib/keys";
import { Failure } from "../../parts/basics";
import { say } from "../../parts/toast";

interface Props {
    /** The id of the approval. */
    id: string;
    form: Schema;
    /** After an answer was taken, this one or that of another user. */
    onOver: () => void;
}

/** These say that no answer is taken any more. */
const OVER = ["SIGNAL_TOO_LATE", "RUN_OVER"];

export function Answer({ id, form, onOver }: Props) {
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [isBusy, setBusy] = useState(false);
    const key = useRef<string | undefined>(undefined);
    const send = (payload: Json | undefined): void => {
        if (isBusy) return;
        setBusy(true);
        setError(undefined);
        // A request that is sent again, because its answer was lost, is one signal.
        key.current ??= Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("");
        post<Signalled>(`/approvals/${segment(id)}`, compact({ payload: payload ?? null }), { "idempotency-key": key.current })
            .then(() => {
                say("The answer is sent");
                onOver();
            })
            .catch((cause: unknown) => {
                const error = cause instanceof ApiError ? cause : new ApiError(0, "UNREADABLE", String(cause));
                setBusy(false);
                // What the user changes now is another answer.
                if (error.status !== 0) key.current = undefined;
                if (OVER.includes(error.code)) {
                    say(error.message);
                    onOver();
                } else {
                    setError(error);
                }
            });
    };
    const comment = commentOf(form);
    return (
        <div class="stack">
            {comment === undefined ? (
                <SchemaAnswer form={form} isBusy={isBusy} error={error} onSend={send} />
            ) : (
                <Decision hasComment={comment} isBusy={isBusy} onSend={send} />
            )}
            {error && <Failure error={error} />}
        </div>
    );
}

/** Whether the form of an approval has a comment; `undefined` for another form. */
function commentOf(form: Schema): boolean | undefined {
    const kind = kindOf(form, form);
    if (kind.kind !== "object") return undefined;
    const fields = new Map(kind.fields);
    const approved = fields.get("approved");
    if (approved === undefined || kindOf(approved, form).kind !== "flag") return undefined;
    const comment = fields.get("comment");
    if (comment === undefined) return fields.size === 1 ? false : undefined;
    const text = kindOf(comment, form);
    const isText = text.kind === "text" || (text.kind === "optional" && kindOf(text.inner, form).kind === "text");
    return fields.size === 2 && isText ? true : undefined;
}

interface DecisionProps {
    hasComment: boolean;
    isBusy: boolean;
    onSend: (payload: Json) => void;
}

function Decision({ hasComment, isBusy, onSend }: DecisionProps) {
    const [comment, setComment] = useState("");
    const field = useRef<HTMLTextAreaElement>(null);
    const [yes, no] = [useRef<HTMLButtonElement>(null), useRef<HTMLButtonElement>(null)];
    const decide = (approved: boolean): void => {
        const text = comment.trim();
        onSend({ approved, ...(hasComment && text !== "" && { comment: text }) });
    };
    // A letter only moves the focus: the decision is the second key.
    useKeys([
        { key: "y", does: "Choose Approve; Enter confirms", action: () => yes.current?.focus() },
        { key: "n", does: "Choose Reject; Enter confirms", action: () => no.current?.focus() },
        ...(hasComment ? [{ key: "e", does: "Write a comment", action: () => field.current?.focus() }] : []),
    ]);
    return (
        <>
            {hasComment && (
                <div class="field">
                    <label for="comment">
                        Comment <span class="muted">optional</span>
                    </label>
                    <textarea
                        id="comment"
                        ref={field}
                        class="control prose"
                        rows={2}
                        value={comment}
                        onInput={(event) => setComment(event.currentTarget.value)}
                        onKeyDown={(event) => {
                            if (event.key === "Escape") event.currentTarget.blur();
                        }}
                    />
                </div>
            )}
            <div class="row decision">
                <button type="button" ref={yes} class="button primary" disabled={isBusy} onClick={() => decide(true)}>
                    Approve
                </button>
                <button type="button" ref={no} class="button danger" disabled={isBusy} onClick={() => decide(false)}>
                    Reject
                </button>
            </div>
        </>
    );
}

interface SchemaProps {
    form: Schema;
    isBusy: boolean;
    error: ApiError | undefined;
    onSend: (payload: Json | undefined) => void;
}

function SchemaAnswer({ form, isBusy, error, onSend }: SchemaProps) {
    const [value, setValue] = useState<Json | undefined>(() => initial(form, form));
    const first = useRef<HTMLFormElement>(null);
    useKeys([
        {
            key: "e",
            does: "Fill the form in",
            action: () => first.current?.querySelector<HTMLElement>("input, select, textarea, button")?.focus(),
        },
    ]);
    const errors = new Map<string, string[]>();
    for (const { pointer, detail } of error?.problem?.errors ?? []) errors.set(pointer, [...(errors.get(pointer) ?? []), detail]);
    const isObject = kindOf(form, form).kind === "object";
    return (
        <form
            ref={first}
            class="stack"
            onSubmit={(event) => {
                event.preventDefault();
                onSend(value);
            }}
        >
            {!isBlank(form, form) && (
                <Field
                    schema={isObject ? { ...form, description: "" } : form}
                    root={form}
                    value={value}
                    onChange={setValue}
                    label={isObject ? "" : "Answer"}
                    pointer="/payload"
                    errors={errors}
                />
            )}
            <div class="row">
                <button type="submit" class="button primary" disabled={isBusy}>
                    Send the answer
                </button>
            </div>
        </form>
    );
}
