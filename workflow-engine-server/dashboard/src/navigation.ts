// All pages: their addresses, their places in the navigation, and their keys.
import type { ComponentType } from "preact";
import { later } from "./later";
import { RunPage } from "./pages/run/run";
import { RunsPage } from "./pages/runs/runs";

interface Page {
    title: string;
    paths: readonly string[];
    component: ComponentType<any>;
    /** The key after `g`. */
    key?: string;
    /** A path in a box of 16. */
    icon?: string;
    /** Whether it shows nothing without payloads. */
    needsPayloads?: boolean;
}

export const PAGES: readonly Page[] = [
    {
        title: "Runs",
        paths: ["", "runs"],
        component: RunsPage,
        key: "r",
        icon: "M2 4h2m2.500 0H14M2 8h2m2.500 0H14M2 12h2m2.500 0H14",
    },
    { title: "Run", paths: ["runs/:id"], component: RunPage },
    {
        title: "Workflows",
        paths: ["workflows"],
        component: later("WorkflowsPage"),
        key: "w",
        icon: "M2 8h3m3-3.500h-.5a2 2 0 0 0-2 2v3a2 2 0 0 0 2 2H8M8 3h6v3H8ZM8 10h6v3H8Z",
    },
    { title: "Workflow", paths: ["workflows/:id"], component: later("WorkflowPage") },
    { title: "Start", paths: ["workflows/:id/start"], component: later("StartPage") },
    {
        title: "Approvals",
        paths: ["approvals"],
        component: later("ApprovalsPage"),
        key: "p",
        icon: "M2 9.500h3.500l1 1.500h3l1-1.500H14M2 9.500v3.500h12V9.500L11.500 3h-7ZM6 6l1.500 1.500L10.500 4.500",
        needsPayloads: true,
    },
    {
        title: "Schedules",
        paths: ["schedules"],
        component: later("SchedulesPage"),
        key: "s",
        icon: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 2.500V8l2.500 1.500",
    },
    {
        title: "Queue and workers",
        paths: ["queue"],
        component: later("QueuePage"),
        key: "q",
        icon: "M2 4h8m-8 4h8m-8 4h5m7-9v10m0 0-2-2m2 2 2-2",
    },
    {
        title: "Dead letters",
        paths: ["dead-letters"],
        component: later("DeadLettersPage"),
        key: "d",
        icon: "M2 4h12v8H2Zm0 .5L8 9l6-4.500",
    },
    {
        title: "Actions",
        paths: ["actions"],
        component: later("ActionsPage"),
        key: "a",
        icon: "M8 2a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5ZM3 14c0-3 2.200-4.500 5-4.500s5 1.500 5 4.500",
    },
    {
        title: "Costs",
        paths: ["costs"],
        component: later("CostsPage"),
        key: "m",
        icon: "M3 13.500V8m3.500 5.500v-9m3.500 9V6.500m3.500 7V2.500",
    },
    {
        title: "Compare",
        paths: ["compare"],
        component: later("ComparePage"),
        key: "c",
        icon: "M5 2v12M11 2v12M2 5h3m6 0h3M2 10h3m6 0h3",
    },
];
