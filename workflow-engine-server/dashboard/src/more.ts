// What is not part of the first page: a file of its own, which the browser loads when there is time for it.
export { ActionsPage } from "./pages/actions";
export { Answering } from "./pages/approvals/answering";
export { ApprovalsPage } from "./pages/approvals/approvals";
export { ChildrenTable } from "./pages/run/children";
export { ComparePage } from "./pages/compare/compare";
export { CostsPage } from "./pages/costs";
export { DeadLettersPage } from "./pages/dead-letters";
export { QueuePage } from "./pages/queue";
export { SchedulesPage } from "./pages/schedules/schedules";
export { StartPage } from "./pages/workflows/start";
export { WorkflowPage } from "./pages/workflows/workflow";
export { WorkflowsPage } from "./pages/workflows/workflows";
