// The inbox: what waits for a person, by deadline, and the form of the answer.
import { useEffect, useRef, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { query } from "../../api/client";
import type { Page, PendingApproval } from "../../api/types";
import type { Schema } from "../../form/schema";
import { href } from "../../lib/base";
import type { Json } from "../../lib/exact";
import { useKeys } from "../../lib/keys";
import { useEvery, useLoad } from "../../lib/load";
import { between, clock, full, relative } from "../../lib/time";
import { useTitle } from "../../lib/title";
import { Ago, Empty, Failure, Loading, plural, shortId } from "../../parts/basics";
import { mayOperate, seesPayloads } from "../../session";
import { Answer } from "./answer";
import { firstLine, Question } from "./question";

const MOST = 100;

const CODE = `#[stage(signal = Approval, give_up_after = "7d")]
async fn ask(draft: String) -> StageResult<String> {
    Ok(format!("May we publish this? {draft}"))
}

workflow! {
    Publishing = draft >> match ask {
        Self { approved: true, comment } => publish,
        Self { .. } => archive,
    }
}`;

export function ApprovalsPage() {
    useTitle("Approvals");
    const { url, route } = useLocation();
    const wanted = new URL(url, location.origin).searchParams.get("id") ?? undefined;
    const inbox = useLoad<Page<PendingApproval>>(seesPayloads.value ? `/approvals${query({ limit: MOST })}` : undefined);
    useEvery(3_000, inbox.reload);
    const [over, setOver] = useState<ReadonlySet<string>>(new Set());
    const items = (inbox.data?.items ?? []).filter((item) => !over.has(nameOf(item)));
    const chosen = useChosen(items, wanted);
    const open = (id: string | undefined): void => route(href("approvals", { id }), true);
    const step = (by: number): void => {
        const at = chosen === undefined ? -1 : items.indexOf(chosen);
        const next = items[Math.max(0, Math.min(items.length - 1, at + by))];
        if (next !== undefined) open(next.id);
    };
    useKeys([
        { key: "j", does: "Next question", action: () => step(1) },
        { key: "k", does: "Previous question", action: () => step(-1) },
        ...(chosen === undefined ? [] : [{ key: "o", does: "Open the run", action: () => route(href(`runs/${chosen.run_id}`)) }]),
    ]);
    const isMissing = wanted !== undefined && inbox.data !== undefined && !items.some((item) => item.id === wanted);
    return (
        <div class="page">
            <header class="page-head">
                <div>
                    <h1>Approvals</h1>
                    <p class="lead" role="status">
                        {items.length === 0
                            ? "Questions that stages ask people; the nearest deadline comes first."
                            : `${inbox.data?.next ? `${MOST} or more questions wait` : plural(items.length, "question waits", "questions wait")} for an answer, the nearest deadline first.`}
                    </p>
                </div>
            </header>
            {!seesPayloads.value && (
                <div class="card">
                    <Empty title="Your token does not show questions">
                        <p>They are payloads of runs: a token with the grant read+payloads shows them, one with operate answers them.</p>
                    </Empty>
                </div>
            )}
            {inbox.error && inbox.data === undefined && <Failure error={inbox.error} retry={inbox.reload} />}
            {seesPayloads.value && inbox.data === undefined && !inbox.error && <Loading />}
            {inbox.data !== undefined && items.length === 0 && (
                <div class="card">
                    <Empty title="Nothing waits for a person" code={CODE}>
                        <p>A stage that waits for a signal asks here. Until it has its answer, it holds no worker.</p>
                    </Empty>
                </div>
            )}
            {items.length > 0 && (
                <div class="inbox" data-open={String(wanted !== undefined)}>
                    <nav class="card inbox-list" aria-label="Questions">
                        {items.map((item) => (
                            <Row key={item.id} item={item} isChosen={item === chosen} onOpen={() => open(item.id)} />
                        ))}
                    </nav>
                    {chosen !== undefined && (
                        <Detail
                            key={nameOf(chosen)}
                            item={chosen}
                            onBack={() => open(undefined)}
                            onOver={() => {
                                setOver(new Set([...over, nameOf(chosen)]));
                                inbox.reload();
                                open(undefined);
                            }}
                        />
                    )}
                </div>
            )}
            {isMissing && items.length > 0 && (
                <p class="muted" role="status">
                    The question of this address has its answer, or its run has ended.
                </p>
            )}
        </div>
    );
}

/** A rerun asks again under the same id. */
const nameOf = (item: PendingApproval): string => `${item.id} ${item.asked_at}`;

/** The question that the address names, or else the one that was shown: no other one takes its place while a user writes. */
function useChosen(items: PendingApproval[], wanted: string | undefined): PendingApproval | undefined {
    const last = useRef<{ name: string; at: number }>({ name: "", at: 0 });
    const named = items.find((item) => item.id === wanted);
    const shown = items.find((item) => nameOf(item) === last.current.name);
    const chosen = named ?? shown ?? items[Math.min(last.current.at, items.length - 1)];
    useEffect(() => {
        if (chosen !== undefined) last.current = { name: nameOf(chosen), at: items.indexOf(chosen) };
    });
    return chosen;
}

interface RowProps {
    item: PendingApproval;
    isChosen: boolean;
    onOpen: () => void;
}

function Row({ item, isChosen, onOpen }: RowProps) {
    const element = useRef<HTMLButtonElement>(null);
    useEffect(() => {
        if (isChosen) element.current?.scrollIntoView({ block: "nearest" });
    }, [isChosen]);
    return (
        <button ref={element} type="button" class="inbox-row" aria-current={isChosen ? "true" : undefined} onClick={onOpen}>
            <span class="row spread">
                <span class="strong ellipsis">{item.stage_name}</span>
                <Deadline at={item.deadline} />
            </span>
            <span class="ellipsis muted">{firstLine(item.question as Json)}</span>
            <span class="ellipsis inbox-run">
                {item.workflow_id} <span class="mono">{shortId(item.run_id)}</span>
            </span>
        </button>
    );
}

/** Less than an hour is urgent, less than a day is soon. */
function Deadline({ at }: { at: string }) {
    const left = -between(at, null);
    const tone = left < 3_600_000 ? "failed" : left < 86_400_000 ? "waiting" : "quiet";
    return (
        <time dateTime={at} title={full(at)} class={`nowrap num due tone-${tone}`}>
            {left <= 0 ? "now" : relative(at)}
        </time>
    );
}

interface DetailProps {
    item: PendingApproval;
    onBack: () => void;
    onOver: () => void;
}

function Detail({ item, onBack, onOver }: DetailProps) {
    return (
        <section class="card inbox-detail" aria-label={`The question of ${item.stage_id}`}>
            <div class="card-head">
                <button type="button" class="button plain small inbox-back" onClick={onBack}>
                    All questions
                </button>
                <h2>{item.stage_name}</h2>
                <a class="button small" href={href(`runs/${item.run_id}`, { stage: item.stage_id })}>
                    Open the run
                </a>
            </div>
            <div class="card-body stack">
                <dl class="facts">
                    <div>
                        <dt>Workflow</dt>
                        <dd>
                            {item.workflow_id} <span class="mono muted">{shortId(item.run_id)}</span>
                        </dd>
                    </div>
                    {item.asked_at && (
                        <div>
                            <dt>Asked</dt>
                            <dd>
                                <Ago at={item.asked_at} />
                            </dd>
                        </div>
                    )}
                    <div>
                        <dt>Deadline</dt>
                        <dd>
                            <span title={full(item.deadline)}>{clock(item.deadline)}</span> <Deadline at={item.deadline} />
                        </dd>
                    </div>
                </dl>
                <Question value={item.question as Json} />
                {mayOperate.value ? (
                    <Answer id={item.id} form={item.form as Schema} onOver={onOver} />
                ) : (
                    <p class="muted">Your token may not answer: that needs the grant operate.</p>
                )}
            </div>
        </section>
    );
}
