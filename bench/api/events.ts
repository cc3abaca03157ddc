import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { silent } from '../../src/log.ts'
import { configWith } from '../../src/node/config.ts'
import { createNode, type RunningNode } from '../../src/node/node.ts'
import { quantile } from '../support/bench.ts'
import { answerParent, startChild } from '../support/child.ts'
import type { ApiFigure } from './figure.ts'

const SUBSCRIBERS = 200
const PER_SECOND = 100
const SECONDS = 20
const EVENTS = PER_SECOND * SECONDS
const NAME = 'bench-tick'

if (process.argv[2] === 'events-child') {
  let node: RunningNode | undefined
  answerParent(async (dataDir: string) => {
    if (node !== undefined) return tick(node)
    const local = { genesis: '22'.repeat(32), listen: ['/ip4/127.0.0.1/tcp/0'] }
    const config = configWith({ ...local, network: 'local', dataDir, apiPort: 0 })
    node = await createNode(config, { log: silent })
    return node.control.apiUrl
  })
}

/** Tells its events at their pace, however late a timer fires. */
async function tick({ parts }: RunningNode): Promise<number> {
  const startMs = performance.now()
  for (let n = 0; n < EVENTS; ) {
    for (
      const due = ((performance.now() - startMs) * PER_SECOND) / 1000;
      n <= due && n < EVENTS;
      n++
    ) {
      parts.core.events.emit(NAME, { n, sentMs: performance.timeOrigin + performance.now() })
    }
    await delay(5)
  }
  return EVENTS
}

/**
 * Subscribers of a whole node's events, each a connection of its own, while it tells 100 a second; what one of them did
 * not get, or was told to have missed, is lost. How late they came stands beside it.
 */
export const events: ApiFigure = {
  targets: { eventsLost: { atMost: 0 } },
  async measure({ progress }) {
    await using stack = new AsyncDisposableStack()
    const dataDir = await mkdtemp(join(tmpdir(), 'cn-bench-api-'))
    stack.defer(() => rm(dataDir, { recursive: true, force: true }))
    const child = stack.use(startChild(import.meta.filename, ['events-child']))
    const apiUrl = await child.ask<string>(dataDir)
    const token = await readFile(join(dataDir, 'control.token'), 'utf8')
    const all = await Promise.all(
      Array.from({ length: SUBSCRIBERS }, () =>
        subscribe(`${apiUrl}/v1/events?event=${NAME}`, token),
      ),
    )
    stack.defer(() => {
      for (const { outgoing } of all) outgoing.destroy()
    })
    progress(`${SUBSCRIBERS} subscribers, ${EVENTS} events in ${SECONDS} s`)
    await child.ask('tick')
    const isDone = (): boolean => all.every(({ lateMs }) => lateMs.length >= EVENTS)
    for (const endMs = Date.now() + 10_000; Date.now() < endMs && !isDone(); ) await delay(50)
    const lateMs = all.flatMap((one) => one.lateMs)
    const lost = SUBSCRIBERS * EVENTS - lateMs.length
    progress(`${lost} of ${SUBSCRIBERS * EVENTS} were lost`)
    return {
      figures: {
        eventsLost: lost,
        eventLateP50Ms: quantile(lateMs, 0.5),
        eventLateP99Ms: quantile(lateMs, 0.99),
      },
      yardstick: {},
    }
  },
}

interface Subscriber {
  readonly outgoing: ClientRequest
  /** One for each event that came, each once. */
  readonly lateMs: number[]
}

/** Resolves once its stream is open. */
function subscribe(url: string, token: string): Promise<Subscriber> {
  const lateMs: number[] = []
  const seen = new Set<number>()
  const outgoing = request(url, { agent: false, headers: { authorization: `Bearer ${token}` } })
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (response: IncomingMessage) => {
      if (response.statusCode !== 200) return reject(new Error(`refused: ${response.statusCode}`))
      let rest = ''
      response.on('data', (chunk: Buffer) => {
        const nowMs = performance.timeOrigin + performance.now()
        const lines = (rest + chunk.toString('latin1')).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          if (!line.startsWith('data: ')) continue
          const { n, sentMs } = JSON.parse(line.slice(6)) as { n?: number; sentMs?: number }
          if (n === undefined || sentMs === undefined || seen.has(n)) continue
          seen.add(n)
          lateMs.push(nowMs - sentMs)
        }
      })
      resolve({ outgoing, lateMs })
    })
    outgoing.end()
  })
}
