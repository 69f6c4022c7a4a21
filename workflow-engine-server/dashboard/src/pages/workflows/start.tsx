// Starts a run: a form from the schema of the input, checked by the server before anything happens.
import { useEffect, useState } from "preact/hooks";
import { useLocation, useRoute } from "preact-iso";
import { ApiError, post, query, segment, send } from "../../api/client";
import type { Started, WorkflowDetail } from "../../api/types";
import { Field } from "../../form/field";
import { initial, isBlank, kindOf } from "../../form/schema";
import { Text } from "../../form/text";
import { href } from "../../lib/base";
import { compact, type Json, parseExact, write } from "../../lib/exact";
import { useLoad } from "../../lib/load";
import { readDuration, readMoment } from "../../lib/moment";
import { duration, zoneName } from "../../lib/time";
import { useTitle } from "../../lib/title";
import { Failure, Loading, shortId } from "../../parts/basics";
import { say } from "../../parts/toast";
import { mayOperate } from "../../session";
import type { Definition } from "./workflow";

export function StartPage() {
    const { params } = useRoute();
    const id = params.id ?? "";
    useTitle(`Start ${id}`);
    const loaded = useLoad<WorkflowDetail>(`/workflows/${segment(id)}`);
    const from = new URL(useLocation().url, location.origin).searchParams.get("from") ?? undefined;
    const values = useLoad<{ input: Json; config: Json }>(from, async (run, signal) => {
        const read = async (part: string) => parseExact(await (await send(`/runs/${segment(run)}/${part}`, { signal })).text());
        return { input: await read("input"), config: await read("config") };
    });
    if (loaded.error) return <Failure error={loaded.error} />;
    if (values.error) return <Failure error={values.error} />;
    if (loaded.data === undefined || (from !== undefined && values.data === undefined)) return <Loading />;
    return <Form id={id} from={from} definition={loaded.data.definition as Definition} values={values.data} />;
}

interface FormProps {
    id: string;
    from: string | undefined;
    definition: Definition;
    values: { input: Json; config: Json } | undefined;
}

function Form({ id, from, definition, values }: FormProps) {
    const { route } = useLocation();
    const { input_schema: inputSchema, config_schema: configSchema } = definition;
    const [input, setInput] = useState<Json | undefined>(() => values?.input ?? initial(inputSchema, inputSchema));
    const [config, setConfig] = useState<Json | undefined>(values?.config);
    const [json, setJson] = useState<string | undefined>(undefined);
    const [tags, setTags] = useState("");
    const [priority, setPriority] = useState("");
    const [budget, setBudget] = useState("");
    const [key, setKey] = useState("");
    const [startAt, setStartAt] = useState("");
    const [deadline, setDeadline] = useState("");
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const [isValid, setValid] = useState(false);
    const [isBusy, setBusy] = useState(false);

    const start = readStart(startAt);
    const limit = readLimit(deadline);
    const body = (): string =>
        compact({
            workflow: id,
            input: json === undefined ? input : parseExact(json),
            config,
            tags: Object.fromEntries(tags.split(/\s+/).filter((tag) => tag.includes("=")).map((tag) => [tag.slice(0, tag.indexOf("=")), tag.slice(tag.indexOf("=") + 1)])),
            priority: priority.trim() === "" ? undefined : Number(priority),
            budget: budget.trim() === "" ? undefined : `${budget.trim()} USD`,
            ...start.sent,
            ...limit.sent,
        });
    const check = async (): Promise<boolean> => {
        if (start.wrong !== undefined || limit.wrong !== undefined) {
            setValid(false);
            setError(undefined);
            return false;
        }
        try {
            await post(`/runs${query({ dry_run: true })}`, body());
            setError(undefined);
            setValid(true);
            return true;
        } catch (cause) {
            setValid(false);
            setError(cause instanceof ApiError ? cause : new ApiError(422, "INVALID_JSON", cause instanceof Error ? cause.message : String(cause)));
            return false;
        }
    };
    // What the user has typed is checked a moment later; at first nothing is wrong yet.
    const [isTouched, setTouched] = useState(values !== undefined);
    useEffect(() => {
        if (!isTouched) return;
        const timer = window.setTimeout(() => void check(), 400);
        return () => window.clearTimeout(timer);
    }, [input, config, json, tags, priority, budget, startAt, deadline, isTouched]);
    const touch = <T,>(set: (value: T) => void) => (value: T): void => {
        setTouched(true);
        set(value);
    };
    const submit = async (): Promise<void> => {
        setTouched(true);
        setBusy(true);
        if (await check()) {
            try {
                const started = await post<Started>("/runs", body(), key.trim() === "" ? undefined : { "idempotency-key": key.trim() });
                say(start.about === undefined ? "The run is started" : "The run is stored, and starts by itself");
                route(href(`runs/${started.run_id}`));
                return;
            } catch (cause) {
                setError(cause as ApiError);
            }
        }
        setBusy(false);
    };

    const errors = new Map<string, string[]>();
    for (const { pointer, detail } of error?.problem?.errors ?? []) errors.set(pointer, [...(errors.get(pointer) ?? []), detail]);
    const configKind = kindOf(configSchema, configSchema);
    const hasConfig = configKind.kind !== "object" || configKind.fields.some(([, stage]) => !isBlank(stage, configSchema));
    const isPlain = kindOf(inputSchema, inputSchema).kind === "object";
    return (
        <form
            class="page start"
            onSubmit={(event) => {
                event.preventDefault();
                void submit();
            }}
        >
            <div class="page-head">
                <div>
                    <p class="crumbs">
                        <a href={href("workflows")}>Workflows</a> / <a href={href(`workflows/${segment(id)}`)}>{id}</a>
                    </p>
                    <h1>Start {id}</h1>
                    {from && (
                        <p class="muted">
                            With the values of run <a href={href(`runs/${from}`)}>{shortId(from)}</a>
                        </p>
                    )}
                </div>
            </div>
            <section class="card">
                <div class="card-head">
                    <h2>Input</h2>
                    <button
                        type="button"
                        class="button small"
                        onClick={() => {
                            if (json === undefined) return setJson(write(input ?? null));
                            try {
                                setInput(parseExact(json));
                                setJson(undefined);
                            } catch (cause) {
                                setError(new ApiError(422, "INVALID_JSON", String(cause)));
                            }
                        }}
                    >
                        {json === undefined ? "Edit as JSON" : "Edit as a form"}
                    </button>
                </div>
                <div class="card-body stack">
                    {json === undefined ? (
                        <Field
                            schema={inputSchema}
                            root={inputSchema}
                            value={input}
                            onChange={touch(setInput)}
                            label={isPlain ? "" : "Input"}
                            pointer="/input"
                            errors={errors}
                        />
                    ) : (
                        <textarea
                            class="control"
                            aria-label="Input as JSON"
                            rows={Math.max(8, Math.min(30, json.split("\n").length + 1))}
                            spellcheck={false}
                            value={json}
                            onInput={(event) => touch(setJson)(event.currentTarget.value)}
                        />
                    )}
                </div>
            </section>
            <section class="card">
                <div class="card-head">
                    <h2>Options</h2>
                </div>
                <div class="card-body stack">
                    <Text id="tags" label="Tags" help="By these you find the run: customer=acme region=eu" value={tags} onChange={touch(setTags)} />
                    <div class="two">
                        <Text id="priority" label="Priority" help="Higher is claimed first. Default 5." value={priority} onChange={touch(setPriority)} />
                        <Text id="budget" label="Budget, in US dollars" help="The most that its model calls may cost." value={budget} onChange={touch(setBudget)} />
                    </div>
                    <div class="two">
                        <Text
                            id="start-at"
                            label="Start"
                            help={start.about ?? `At once, or later: 30m, 2h, 7d or 2026-12-01 09:00, in ${zoneName.value}.`}
                            wrong={start.wrong}
                            value={startAt}
                            onChange={touch(setStartAt)}
                        />
                        <Text
                            id="deadline"
                            label="Deadline"
                            help={limit.about ?? usualLimit(definition.deadline_ms)}
                            wrong={limit.wrong}
                            value={deadline}
                            onChange={touch(setDeadline)}
                        />
                    </div>
                    <Text id="key" label="Idempotency key" help="The same key starts one run, however often it is sent." value={key} onChange={setKey} />
                    {hasConfig && (
                        <Field
                            schema={{ ...configSchema, description: "What is not given takes its default." }}
                            root={configSchema}
                            value={config ?? initial(configSchema, configSchema)}
                            onChange={touch(setConfig)}
                            label="Configuration"
                            pointer="/config"
                            errors={errors}
                        />
                    )}
                </div>
            </section>
            {error && <Failure error={error} />}
            <div class="row">
                <button type="submit" class="button primary" disabled={isBusy || !mayOperate.value}>
                    Start the run
                </button>
                <span class="muted" role="status">
                    {!mayOperate.value ? "Your token may not start runs." : isTouched && isValid && error === undefined ? "The server accepts these values." : ""}
                </span>
            </div>
        </form>
    );
}

/** A field of the options: what is sent, and what it means. */
interface Read {
    sent?: Record<string, string | number>;
    about?: string;
    wrong?: string;
}

function readStart(text: string): Read {
    if (text.trim() === "") return {};
    const distance = readDuration(text.trim());
    const moment = readMoment(text);
    if ("wrong" in moment) return { wrong: moment.wrong };
    // A time from now counts from the request.
    const sent: Record<string, string | number> = distance === undefined ? { start_at: moment.at.toISOString() } : { start_after_ms: Math.round(distance) };
    return { sent, about: moment.about };
}

function readLimit(text: string): Read {
    if (text.trim() === "") return {};
    const limit = readDuration(text);
    if (limit === undefined) return { wrong: "write a duration, as `90s`, `30m`, `2h` or `7d`" };
    if (limit < 1_000) return { wrong: "a deadline is a second or more" };
    return { sent: { deadline_ms: Math.round(limit) }, about: `The run fails if it has not ended within ${duration(limit)}.` };
}

const usualLimit = (milliseconds: number | null | undefined): string =>
    `${milliseconds ? `As the workflow says: ${duration(milliseconds)}` : "None"}; or a duration, as 30m or 2h, after which the run fails.`;
