/** All fields are optional, at every depth: absent ones take their defaults. */
export type Partly<T> = T extends (infer _)[] ? T : T extends object ? { [K in keyof T]?: Partly<T[K]> } : T;

export type RunStatus = "PENDING" | "RUNNING" | "COMPLETED" | "FAILED" | "CANCELLED";

/** An event of a run. `data` has the fields of its type. */
export interface RunEvent {
  run_id: string;
  sequence: number;
  at: string;
  type: string;
  causation_id: string;
  data: Record<string, unknown>;
}

/** The options of a start. */
export interface StartOptions<W extends keyof Workflows> {
  /** The configuration, by stage. */
  config?: Partly<Workflows[W]["config"]>;
  /** The same key with the same request starts one run, however often it is sent. */
  idempotencyKey?: string;
  /** Higher is claimed first; default 5. */
  priority?: number;
  /** Tags, by which the run can be found. */
  tags?: Record<string, string>;
  metadata?: unknown;
  /** The highest cost of its calls of models: "0.50 USD". */
  budget?: string;
  version?: number;
  signal?: AbortSignal;
}

export interface ClientOptions {
  /** The address of the server: "https://example.com" or with a path. */
  url: string;
  token?: string;
  /** Default: the global `fetch`. */
  fetch?: typeof fetch;
}

/** An error of the server, or of a run. `retryable`: the same request may succeed later. */
export class WorkflowError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryable: boolean,
  ) {
    super(message);
    this.name = "WorkflowError";
  }
}

interface Request {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Starts runs of workflows, and follows them. */
export class Client {
  private readonly base: string;

  constructor(private readonly options: ClientOptions) {
    this.base = options.url.replace(/\/+$/, "") + "/api/v1";
  }

  /** Starts a run. When it returns, the run is stored. */
  async start<W extends keyof Workflows>(
    workflow: W,
    input: Workflows[W]["input"],
    options: StartOptions<W> = {},
  ): Promise<Run<W>> {
    const { idempotencyKey, signal, ...rest } = options;
    const headers: Record<string, string> = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
    const response = await this.send("/runs", {
      method: "POST",
      body: { workflow, input, ...rest },
      headers,
      signal,
    });
    const started = (await response.json()) as { run_id: string };
    return new Run<W>(this, started.run_id);
  }

  /** A handle of a run that was started before. */
  run<W extends keyof Workflows>(_workflow: W, id: string): Run<W> {
    return new Run<W>(this, id);
  }

  /** Sends a request, and returns the response of one that succeeds. */
  async send(path: string, { method = "GET", body, headers = {}, signal }: Request = {}): Promise<Response> {
    const all: Record<string, string> = { ...headers };
    if (this.options.token !== undefined) all["Authorization"] = `Bearer ${this.options.token}`;
    if (body !== undefined) all["Content-Type"] = "application/json";
    const send = this.options.fetch ?? fetch;
    const response = await send(this.base + path, {
      method,
      headers: all,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<{
      code: string;
      detail: string;
      retryable: boolean;
    }>;
    const message = problem.detail ?? `the server responds with ${response.status}`;
    throw new WorkflowError(response.status, problem.code ?? "HTTP", message, problem.retryable ?? response.status >= 500);
  }
}

/** A run. */
export class Run<W extends keyof Workflows> {
  constructor(
    private readonly client: Client,
    readonly id: string,
  ) {}

  private get path(): string {
    return `/runs/${encodeURIComponent(this.id)}`;
  }

  /** The status now. */
  async status(signal?: AbortSignal): Promise<RunStatus> {
    const response = await this.client.send(this.path, { signal });
    return ((await response.json()) as { run: { status: RunStatus } }).run.status;
  }

  /** Waits for the run to end, and returns its output. Fails with the run's error if it has none. */
  async output(signal?: AbortSignal): Promise<Workflows[W]["output"]> {
    for (;;) {
      try {
        const response = await this.client.send(`${this.path}/output?wait=25s`, { signal });
        return (await response.json()) as Workflows[W]["output"];
      } catch (error) {
        const isOpen = error instanceof WorkflowError && error.code === "RUN_NOT_TERMINAL";
        if (!isOpen) throw error;
      }
    }
  }

  /** The events of the run, until it ends. After a lost connection it continues where it stopped, without a gap. */
  async *events(after = 0, signal?: AbortSignal): AsyncGenerator<RunEvent, void, undefined> {
    let last = after;
    for (let lost = 0; ; ) {
      try {
        const path = `${this.path}/events?follow=true&after_sequence=${last}`;
        const response = await this.client.send(path, { headers: { Accept: "application/x-ndjson" }, signal });
        for await (const line of lines(response)) {
          const event = JSON.parse(line) as RunEvent;
          if (event.sequence === undefined) throw new TypeError("the stream ends with an error");
          if (event.sequence <= last) continue;
          last = event.sequence;
          lost = 0;
          yield event;
        }
        // The server ends the stream with the run, and also when it stops.
        const status = await this.status(signal);
        if (status !== "PENDING" && status !== "RUNNING") return;
      } catch (error) {
        const isFinal = error instanceof WorkflowError && !error.retryable;
        if (isFinal || signal?.aborted) throw error;
        if (++lost > 10) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(100 * 2 ** lost, 5000)));
    }
  }

  /** Cancels the run; `false` if it had ended. */
  async cancel(reason?: string): Promise<boolean> {
    const response = await this.client.send(`${this.path}/cancel`, { method: "POST", body: { reason } });
    return ((await response.json()) as { cancelled: boolean }).cancelled;
  }

  /** Checks a waiting stage now; `false` if it does not wait. */
  async wake(stage: string): Promise<boolean> {
    const response = await this.client.send(`${this.path}/wake`, { method: "POST", body: { stage } });
    return ((await response.json()) as { woken: boolean }).woken;
  }
}

async function* lines(response: Response): AsyncGenerator<string, void, undefined> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const parts = rest.split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part !== "") yield part;
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
