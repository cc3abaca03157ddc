/** Values that may stand in a log line; secrets never do. */
export type Fields = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>

/** A scoped logger: `event` is a stable kebab-case name that programs can filter on. */
export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, error: unknown, fields?: Fields): void
  /** A logger whose lines carry this scope (the file's name). */
  child(scope: string): Log
}

const nothing = (): void => undefined

/** Writes nothing; the default in tests and libraries. */
export const silent: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
}
