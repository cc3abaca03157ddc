import { relative, resolve } from 'node:path'
import { NodeError } from '../../errors.ts'
import type { Config } from '../config.ts'
import type { SignInLink } from '../control/sign-in-link.ts'
import type { Market } from '../devnet/market.ts'
import { runDevnet } from '../devnet/run-devnet.ts'
import { StageFailure } from '../devnet/stage.ts'
import { failureOf, type RoundFailure, type RoundSummary } from '../devnet/summary.ts'
import { createLog } from '../log-to-stderr.ts'
import { options } from '../options.ts'
import { createOutput, toJson } from '../output.ts'
import type { CommandContext, Run } from './command.ts'

/** Runs a whole market on this machine; exit code 0 once it did a full round (or was stopped after one), else 1. */
export const devnet: Run = async (context) => {
  const { config, terminal, signal } = context
  const output = createOutput(terminal, config)
  const root = rootOf(config)
  const log = createLog({ level: config.logLevel, json: config.json })
  const say = (line: string): void => {
    if (!config.json) terminal.stdout.write(`${clock()} ${line}\n`)
  }
  let done = false
  try {
    await runDevnet({
      root,
      config,
      env: environment(process.env),
      log,
      signal,
      say,
      onTaken() {
        if (!config.json) terminal.stdout.write(preface(config, root))
      },
      onStage: (stage) => output.progress(`── ${stage}`),
      onRound(summary, market, link) {
        done = true
        if (config.json) terminal.stdout.write(`${toJson(summary)}\n`)
        else terminal.stdout.write(report(summary, { market, link, root }))
      },
    })
    return 0
  } catch (error) {
    // Who stops a market that was to keep running gets what was asked for.
    if (signal.aborted && (done || !config.once)) return 0
    // A mistake in how it was called is the caller's, not a round that failed.
    if (error instanceof NodeError && error.code.startsWith('BAD_CONFIG')) throw error
    const failure = failureOf(error)
    if (config.json) terminal.stdout.write(`${toJson(failure)}\n`)
    else printFailure(context, failure, error)
    return 1
  }
}

const rootOf = ({ dataDir }: Config): string =>
  dataDir === options.dataDir.default ? resolve('.devnet') : dataDir

const clock = (): string => new Date().toISOString().slice(11, 19)

/** Settings of the person's own node must not leak into the devnet's; DOCKER_HOST and the like must. */
const environment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('COMPUTE_NODE_')))

/** The most that was measured (proportional set size): relay, renter, chain and this process; each miner or validator. */
const MEMORY_MIB = { base: 950, each: 370 } as const

const memoryText = (nodes: number): string =>
  `${((MEMORY_MIB.base + nodes * MEMORY_MIB.each) / 1024).toFixed(1)} GiB`

const preface = ({ miners, validators }: Config, root: string): string =>
  [
    `A whole market on this machine: a chain, a relay, ${miners} miners, ${validators} validators and a renter, each its own process.`,
    `State in ${root}; about ${memoryText(miners + validators)} of memory; everything listens on loopback only.`,
    '',
    '',
  ].join('\n')

interface Shown {
  readonly market: Market
  /** Absent where it does not keep running. */
  readonly link: SignInLink | undefined
  readonly root: string
}

function report(summary: RoundSummary, { market, link, root }: Shown): string {
  const { lease, challenges, elapsedMs } = summary
  const valid = challenges.filter(({ verdict }) => verdict === 'VALID').length
  const lines = [
    '',
    `One full round in ${(elapsedMs / 1000).toFixed(1)} s: ${summary.offers} offers, ${valid} of ${challenges.length} proofs VALID, weights of ${Object.keys(summary.weights).length} validators on the chain,`,
    `lease ${lease.id.slice(0, 12)} in ${lease.engine}: exit code ${lease.exitCode}, ${lease.receipts} receipts, ${lease.settled ? 'settled' : 'not settled'}.`,
    '',
  ]
  if (link === undefined) return lines.join('\n')
  return [...lines, ...hints(market, link, root), ''].join('\n')
}

function hints({ nodes }: Market, link: SignInLink, root: string): string[] {
  const folder = (name: string): string => `${relative(process.cwd(), root) || '.'}/${name}`
  const miner = nodes.find(({ member }) => member.role === 'miner')!
  const validator = nodes.find(({ member }) => member.role === 'validator')!
  const renter = `npx compute-node --data-dir ${folder('renter')}`
  return [
    `The renter's console: ${link.url}`,
    `  (that link works once, within a minute; \`${renter} ui\` makes another)`,
    '',
    'It keeps running. Try, in another terminal in this folder:',
    `  ${renter} offers`,
    `  ${renter} rent -- echo hello`,
    `  ${renter} leases`,
    `  ${renter} attestations`,
    `  npx compute-node --data-dir ${folder(validator.member.name)} score ${miner.peerId} --explain`,
    `  npx compute-node --data-dir ${folder(validator.member.name)} chain metagraph`,
    'Ctrl-C stops every process.',
  ]
}

function printFailure({ terminal }: CommandContext, failure: RoundFailure, error: unknown): void {
  const { code, message } = failure.error
  terminal.stderr.write(
    `compute-node: the devnet failed at "${failure.stage}": ${message} (${code})\n`,
  )
  const why = error instanceof StageFailure ? error.cause : error
  const next = why instanceof NodeError ? why.next : undefined
  if (next !== undefined) terminal.stderr.write(`  next: ${next}\n`)
}
