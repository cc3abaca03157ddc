/** Whether the sources are others than those that dist/console was made of. */
export function isConsoleStale(): boolean
/** Builds it anew; rejects with what Vite said. */
export function buildConsole(): Promise<void>
