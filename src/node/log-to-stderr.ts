import { type Logger, pino } from 'pino'
import { messageOf, NodeError } from '../errors.ts'
import type { Fields, Log } from '../log.ts'

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Lines of JSON for machines; else one readable line each. */
  readonly json: boolean
  /** Where lines go; stderr unless a test says otherwise. */
  readonly write?: (line: string) => void
}

/** A log of the whole program, on stderr. */
export function createLog({ level, json, write = toStderr }: LogOptions): Log {
  const stream = { write: json ? write : (line: string) => write(readable(line)) }
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return wrap(logger)
}

const toStderr = (line: string): void => void process.stderr.write(line)

const wrap = (root: Logger, scope?: string): Log => {
  const logger = scope === undefined ? root : root.child({ scope })
  return {
    debug: (event, fields) => logger.debug(safe(fields), event),
    info: (event, fields) => logger.info(safe(fields), event),
    warn: (event, fields) => logger.warn(safe(fields), event),
    error: (event, error, fields) => logger.error({ ...safe(fields), ...failure(error) }, event),
    child: (name) => wrap(root, scope === undefined ? name : `${scope}/${name}`),
  }
}

const SECRET = /secret|private|mnemonic|seed|passw|passphrase|token|uri$/i

/** A net below the rule that secrets are never passed to a log. */
function safe(fields: Fields = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      if (SECRET.test(key)) return [key, '[redacted]']
      return [key, typeof value === 'bigint' ? value.toString() : value]
    }),
  )
}

function failure(error: unknown): Record<string, unknown> {
  const cause = error instanceof Error ? error.cause : undefined
  return {
    ...(error instanceof NodeError ? { code: error.code } : {}),
    error: messageOf(error),
    ...(cause === undefined ? {} : { cause: messageOf(cause) }),
    // Nobody foresaw an error without a code: its stack is what a report needs.
    ...(error instanceof NodeError || !(error instanceof Error) ? {} : { stack: error.stack }),
  }
}

/** `12:03:44.120 warn  offers: publish-failed error="…"` */
function readable(line: string): string {
  const { time, level, scope, event, stack, ...fields } = JSON.parse(line) as Record<string, string>
  const details = Object.entries(fields).map(([key, value]) => `${key}=${quoted(value)}`)
  const head = `${time!.slice(11, 23)} ${level!.padEnd(5)} ${scope === undefined ? '' : `${scope}: `}`
  const tail = stack === undefined ? '' : `\n${stack.split('\n').map(visible).join('\n')}`
  return `${visible(`${head}${[event, ...details].join(' ')}`)}${tail}\n`
}

/** What a peer said may be in a message: no character of it may steer the terminal or turn the text around. */
const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`)

const quoted = (value: unknown): string =>
  typeof value === 'string' && /[\s"=]|^$/.test(value) ? JSON.stringify(value) : String(value)
