import {
  extensionHash,
  nextExtension,
  sealExtension,
  unextended,
} from '../../src/protocols/extension.ts'
import { type LeaseRequest, type LeaseResponse, leaseProtocol } from '../../src/protocols/lease.ts'
import { endingOf } from '../../src/protocols/lease-endings.ts'
import { evidenceCodec } from '../../src/protocols/lease-evidence.ts'
import { receiptsProtocol, sealReceipt } from '../../src/protocols/receipts.ts'
import { controlToMiner, controlToRenter, sessionProtocol } from '../../src/protocols/session.ts'
import { sampleEvidence } from './evidence.ts'
import { agreed, miner, net, renter, stranger } from './lease.ts'
import { NOW_MS } from './market.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const leaseId = new Uint8Array(32).fill(1)

/** What a renter asks a miner about volumes. */
export const volumesAsked: Readonly<Record<string, LeaseRequest>> = {
  reserve: {
    ...{ kind: 'reserve', offer: new Uint8Array([1, 2, 3]), nonce: new Uint8Array(16).fill(1) },
    ...{ durationMs: 60_000, image: 'busybox:1.37', authorized: [] },
    volumes: [
      { name: 'data', path: '/data', sizeMiB: 1024 },
      { name: 'model-cache', path: '/root/.cache', readOnly: true },
    ],
  },
  list: { kind: 'volumes' },
  remove: { kind: 'remove-volume', name: 'data' },
}

/** What the miner answers. */
export const volumesAnswered: Readonly<Record<string, LeaseResponse>> = {
  none: { kind: 'volumes', volumes: [] },
  all: {
    kind: 'volumes',
    volumes: [
      {
        ...{ name: 'data', sizeMiB: 1024, enforced: true, usedBytes: 4096, createdAtMs: NOW_MS },
        leases: [leaseId],
      },
      {
        ...{ name: 'new', sizeMiB: 16, enforced: false, createdAtMs: NOW_MS, leases: [] },
        expiresAtMs: NOW_MS + 604_800_000,
      },
      {
        ...{ name: 'old', sizeMiB: 16, enforced: false, createdAtMs: NOW_MS, leases: [] },
        removed: { atMs: NOW_MS + 1000, reason: 'its time was over' },
      },
    ],
  },
}

const encoded = <T>(messages: Readonly<Record<string, T>>, encode: (message: T) => Uint8Array) =>
  Object.fromEntries(
    Object.entries(messages).map(([name, message]) => [name, hex(encode(message))]),
  )

/** What a lease writes, from fixed keys: made anew here, compared with test/vectors/lease.json. */
export function leaseVectors() {
  const lease = agreed({ command: ['sh', '-c', 'echo hi'], authorized: [stranger.peerId] })
  const { leaseId, terms } = lease
  const first = sealReceipt(net, miner, {
    leaseId,
    seq: 1,
    atMs: NOW_MS + 1000,
    upMs: 1000,
    cumulative: '1000',
    prev: leaseId,
  })
  const final = { outcome: 'ended' as const, reason: 'stopped' }
  const last = sealReceipt(net, miner, {
    ...first.payload,
    seq: 2,
    atMs: NOW_MS + 1500,
    upMs: 1500,
    cumulative: '1500',
    prev: first.id,
    final,
  })
  const alone = agreed({ proofSharePpm: 0, exclusive: true })
  const beside = agreed({ proofSharePpm: 1731 })
  const keeps = agreed({
    volumes: [
      { name: 'data', path: '/data', sizeMiB: 1024 },
      { name: 'model-cache', path: '/root/.cache', sizeMiB: 16, readOnly: true },
    ],
  })
  const credit = agreed({ creditMs: 120_000, graceMs: 900_000, prepaidMs: 3_600_000 })
  const coded = sealReceipt(net, miner, { ...last.payload, final: endingOf('credit') })
  const ticket = new Uint8Array(16).fill(7)
  const advance = { limit: '60000', signature: new Uint8Array(64).fill(9) }
  const more = nextExtension(unextended(leaseId, terms), 30_000, NOW_MS + 500)
  const extensionBytes = sealExtension(net, renter, more).bytes
  const exec = { kind: 'exec' as const, command: ['id'], tty: false, env: { A: 'b' } }
  return {
    about:
      'One lease of 60 s at 3.6 DEV per hour between the keys of seed 1 (miner) and 2 (renter) on local-1.',
    netDigest: hex(net.digest),
    miner: hex(miner.publicKey),
    renter: hex(renter.publicKey),
    leaseId: hex(leaseId),
    minerTerms: hex(lease.minerTerms),
    renterTerms: hex(lease.renterTerms),
    receipts: [first, last].map(({ id, bytes }) => ({ id: hex(id), record: hex(bytes) })),
    countersigned: hex(sealReceipt(net, renter, last.payload).bytes),
    /** Terms that state what proofs take; those above are of an earlier version, and stay valid. */
    beside: { leaseId: hex(beside.leaseId), minerTerms: hex(beside.minerTerms) },
    exclusive: { leaseId: hex(alone.leaseId), minerTerms: hex(alone.minerTerms) },
    /** Terms with a limit of credit and a prepaid window. */
    credit: { leaseId: hex(credit.leaseId), minerTerms: hex(credit.minerTerms) },
    /** Terms of a lease that mounts what its renter keeps, and what both say of that. */
    volumes: {
      leaseId: hex(keeps.leaseId),
      minerTerms: hex(keeps.minerTerms),
      asked: encoded(volumesAsked, leaseProtocol.request.encode),
      answered: encoded(volumesAnswered, leaseProtocol.response.encode),
    },
    /** A final receipt that says whose doing the end is, by its code. */
    coded: { id: hex(coded.id), record: hex(coded.bytes) },
    /** Half a minute more, as each signed it, and what the next one links to. */
    extension: {
      miner: hex(sealExtension(net, miner, more).bytes),
      renter: hex(extensionBytes),
      hash: hex(extensionHash(net, more)),
    },
    evidence: hex(evidenceCodec.encode(sampleEvidence().evidence)),
    messages: {
      enqueue: hex(
        leaseProtocol.request.encode({
          kind: 'enqueue',
          offer: new Uint8Array([1, 2, 3]),
          image: terms.image,
          durationMs: terms.durationMs,
        }),
      ),
      placeRequest: hex(
        leaseProtocol.request.encode({ kind: 'place', ticket, notPosition: 2, waitMs: 20_000 }),
      ),
      leave: hex(leaseProtocol.request.encode({ kind: 'leave', ticket })),
      left: hex(leaseProtocol.response.encode({ kind: 'left' })),
      lineRequest: hex(leaseProtocol.request.encode({ kind: 'line' })),
      line: hex(leaseProtocol.response.encode({ kind: 'line', waiting: 3, etaMs: 60_000 })),
      placeAhead: hex(
        leaseProtocol.response.encode({
          kind: 'place',
          place: { ticket, position: 2, waiting: 3, etaMs: 60_000 },
        }),
      ),
      placeTurn: hex(
        leaseProtocol.response.encode({
          kind: 'place',
          place: { ticket, position: 0, waiting: 1, etaMs: 0, turnMs: 30_000 },
        }),
      ),
      reserveTurn: hex(
        leaseProtocol.request.encode({
          kind: 'reserve',
          offer: new Uint8Array([1, 2, 3]),
          nonce: terms.renterNonce,
          durationMs: terms.durationMs,
          image: terms.image,
          authorized: terms.authorized,
          ticket,
        }),
      ),
      reservePrepaid: hex(
        leaseProtocol.request.encode({
          kind: 'reserve',
          offer: new Uint8Array([1, 2, 3]),
          nonce: terms.renterNonce,
          durationMs: terms.durationMs,
          image: terms.image,
          prepaidMs: 3_600_000,
          authorized: terms.authorized,
        }),
      ),
      stopDisputed: hex(
        leaseProtocol.request.encode({ kind: 'stop', leaseId, reason: 'no', disputed: true }),
      ),
      receiptsAhead: hex(receiptsProtocol.request.encode({ leaseId, have: 2, waitMs: 0, advance })),
      receiptsSuspended: hex(
        receiptsProtocol.response.encode({ receipts: [], ended: false, state: 'SUSPENDED' }),
      ),
      reserveExclusive: hex(
        leaseProtocol.request.encode({
          kind: 'reserve',
          offer: new Uint8Array([1, 2, 3]),
          nonce: terms.renterNonce,
          durationMs: terms.durationMs,
          image: terms.image,
          exclusive: true,
          authorized: terms.authorized,
        }),
      ),
      reserve: hex(
        leaseProtocol.request.encode({
          kind: 'reserve',
          offer: new Uint8Array([1, 2, 3]),
          nonce: terms.renterNonce,
          durationMs: terms.durationMs,
          image: terms.image,
          authorized: terms.authorized,
        }),
      ),
      extend: hex(
        leaseProtocol.request.encode({ kind: 'extend', leaseId, extension: extensionBytes }),
      ),
      extended: hex(
        leaseProtocol.response.encode({
          kind: 'extension',
          extension: sealExtension(net, miner, more).bytes,
          counts: true,
        }),
      ),
      pause: hex(leaseProtocol.request.encode({ kind: 'pause', leaseId })),
      resume: hex(leaseProtocol.request.encode({ kind: 'resume', leaseId })),
      acceptWithEnv: hex(
        leaseProtocol.request.encode({
          kind: 'accept',
          terms: new Uint8Array([1, 2, 3]),
          env: { TOKEN: 's3cret' },
        }),
      ),
      statusSaid: hex(
        leaseProtocol.request.encode({
          ...{ kind: 'status', leaseId, notState: 'STARTING', said: 'pulling', waitMs: 1000 },
        }),
      ),
      stop: hex(leaseProtocol.request.encode({ kind: 'stop', leaseId, reason: 'done' })),
      session: hex(sessionProtocol.request.encode({ leaseId, ...exec })),
      resize: hex(controlToMiner.encode({ kind: 'resize', columns: 80, rows: 24 })),
      exit: hex(controlToRenter.encode({ kind: 'exit', exitCode: 3 })),
    },
  }
}
